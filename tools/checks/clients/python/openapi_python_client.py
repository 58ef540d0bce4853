"""A client of openapi-python-client, which encodes the parts of a path."""

from task_api_client import AuthenticatedClient
from task_api_client.api.tasks import (
    complete_task,
    create_task,
    delete_task,
    get_task,
    list_tasks,
    patch_task,
    update_task,
)
from task_api_client.models import Completion, TaskCreation, TaskChanges, TaskPatch

from tour import TOKEN, URL, USER, Refusal, tour

api = AuthenticatedClient(base_url=URL, token=TOKEN)


def call(operation, *arguments, **options):
    answer = operation.sync_detailed(USER, *arguments, client=api, **options)
    return answer.parsed if answer.status_code < 400 else Refusal(answer.status_code, answer.parsed)


class Client:
    def create(self, title):
        return call(create_task, body=TaskCreation(title=title))

    def list(self, limit):
        return call(list_tasks, limit=limit)

    def complete(self, number, tag):
        return call(complete_task, number, if_match=tag, body=Completion(completed=True))

    def update(self, number, description):
        return call(update_task, number, body=TaskChanges(description=description))

    def clear(self, number):
        return call(patch_task, number, body=TaskPatch(description=None))

    def show(self, number):
        return call(get_task, number)

    def remove(self, number):
        return call(delete_task, number)


tour(Client())
