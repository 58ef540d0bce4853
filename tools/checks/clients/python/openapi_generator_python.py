"""A client of openapi-generator, `python`, which encodes the parts of a path. It raises what is no success."""

import openapi_client
from openapi_client import Completion, TaskCreation, TaskChanges, TaskPatch
from openapi_client.exceptions import ApiException

from tour import TOKEN, URL, USER, Refusal, tour

api = openapi_client.TasksApi(
    openapi_client.ApiClient(openapi_client.Configuration(host=URL, access_token=TOKEN))
)


def call(operation, *arguments, **options):
    try:
        return operation(USER, *arguments, **options)
    except ApiException as refusal:
        return Refusal(refusal.status, refusal.data)


class Client:
    def create(self, title):
        return call(api.create_task, TaskCreation(title=title))

    def list(self, limit):
        return call(api.list_tasks, limit=limit)

    def complete(self, number, tag):
        return call(api.complete_task, number, if_match=tag, completion=Completion(completed=True))

    def update(self, number, description):
        return call(api.update_task, number, TaskChanges(description=description))

    def clear(self, number):
        return call(api.patch_task, number, TaskPatch(description=None))

    def show(self, number):
        return call(api.get_task, number)

    def remove(self, number):
        return call(api.delete_task, number)


tour(Client())
