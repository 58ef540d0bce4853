// A client of openapi-generator, `go`, which encodes the parts of a path, once against a running service.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	client "github.com/task-api/client"
)

// What a call came to: a task, or the error of the service.
func outcome[T any](value *T, answer *http.Response, err error) (*T, int, *client.Error) {
	var refusal *client.GenericOpenAPIError
	if errors.As(err, &refusal) {
		if body, ok := refusal.Model().(client.Error); ok {
			return nil, answer.StatusCode, &body
		}
	}
	if err != nil {
		expect(fmt.Sprint(err), "no error")
	}
	return value, answer.StatusCode, nil
}

func expect(found, expected any) {
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		fmt.Fprintf(os.Stderr, "%v is not %v\n", found, expected)
		os.Exit(1)
	}
}

func main() {
	user := os.Getenv("TASK_API_USER")
	configuration := client.NewConfiguration()
	configuration.Servers = client.ServerConfigurations{{URL: os.Getenv("TASK_API_URL")}}
	api := client.NewAPIClient(configuration).TasksAPI
	ctx := context.WithValue(context.Background(), client.ContextAccessToken, os.Getenv("TASK_API_TOKEN"))

	created, status, _ := outcome(api.CreateTask(ctx, user).TaskCreation(*client.NewTaskCreation("buy milk")).Execute())
	expect(status, 201)
	expect([]any{created.Title, created.UserId, created.Version}, []any{"buy milk", user, 1})
	id := created.Id

	listed, _, _ := outcome(api.ListTasks(ctx, user).Limit(1).Execute())
	expect([]any{listed.Count, listed.Tasks[0].Id}, []any{1, id})

	complete := api.CompleteTask(ctx, user, id).IfMatch(`"1"`).Completion(*client.NewCompletion(true))
	completed, _, _ := outcome(complete.Execute())
	expect([]any{completed.Completed, completed.Version}, []any{true, 2})

	_, status, late := outcome(complete.Execute())
	expect([]any{status, late.Error, late.Current.Version}, []any{412, "precondition_failed", 2})

	changes := client.NewTaskChanges()
	changes.SetDescription("two bottles")
	updated, _, _ := outcome(api.UpdateTask(ctx, user, id).TaskChanges(*changes).Execute())
	expect(*updated.Description.Get(), "two bottles")

	patch := client.NewTaskPatch()
	patch.SetDescriptionNil()
	cleared, _, _ := outcome(api.PatchTask(ctx, user, id).TaskPatch(*patch).Execute())
	expect([]any{cleared.Description.Get() == nil, cleared.Version}, []any{true, 4})

	removed, _, _ := outcome(api.DeleteTask(ctx, user, id).Execute())
	expect(removed.Message, "Task deleted")

	_, status, gone := outcome(api.GetTask(ctx, user, id).Execute())
	expect([]any{status, gone.Error}, []any{404, "not_found"})
}
