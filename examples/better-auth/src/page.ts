// The page: sign up or in, list, add, tick; and two refusals.
import { showMissingTask, showRefusedToken } from "./refusals";
import { authClient, forgetToken } from "./session";
import { type Task, tasks } from "./tasks";

const alert = element("[role=alert]", HTMLElement);
const signIn = element("#sign-in", HTMLFormElement);
const main = element("main", HTMLElement);
const add = element("#add", HTMLFormElement);
const list = element("ul", HTMLUListElement);

/** The user whose tasks are shown: a segment of the paths of the API. */
let userId = "";

async function showTasks(): Promise<void> {
  const { data, error } = await tasks.GET("/api/{user_id}/tasks", { params: { path: { user_id: userId } } });
  if (error) throw new Error(error.detail);
  list.replaceChildren(...data.tasks.map(item));
}

async function addTask(title: string): Promise<void> {
  const { error } = await tasks.POST("/api/{user_id}/tasks", {
    params: { path: { user_id: userId }, header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { title },
  });
  if (error) throw new Error(error.detail);
}

async function complete(task: Task, completed: boolean): Promise<void> {
  const { error } = await tasks.PATCH("/api/{user_id}/tasks/{id}/complete", {
    params: { path: { user_id: userId, id: task.id } },
    body: { completed },
  });
  if (error) throw new Error(error.detail);
}

function item(task: Task): HTMLLIElement {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = task.completed;
  box.addEventListener("change", () => act(() => complete(task, box.checked).finally(showTasks)));
  const label = document.createElement("label");
  label.append(box, task.title);
  const entry = document.createElement("li");
  entry.classList.toggle("completed", task.completed);
  entry.append(label);
  return entry;
}

/** Shows the form or the tasks, as the session of Better Auth says. */
async function showWhoIsSignedIn(): Promise<void> {
  const { data: session } = await authClient.getSession();
  signIn.hidden = session !== null;
  main.hidden = session === null;
  if (!session) return;
  userId = session.user.id;
  element("#who", HTMLElement).textContent = session.user.email;
  await showTasks();
}

/** Does what the user asked for, and shows the error if it fails. */
async function act(work: () => Promise<void>): Promise<void> {
  alert.textContent = "";
  try {
    await work();
  } catch (error) {
    alert.textContent = error instanceof Error ? error.message : String(error);
  }
}

function element<T extends HTMLElement>(selector: string, kind: new () => T): T {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(signIn, event.submitter);
  const [email, password] = [text(form, "email"), text(form, "password")];
  void act(async () => {
    const { error } =
      text(form, "how") === "up"
        ? await authClient.signUp.email({ email, password, name: text(form, "name") })
        : await authClient.signIn.email({ email, password });
    if (error) throw new Error(error.message ?? error.statusText);
    await showWhoIsSignedIn();
  });
});

element("#sign-out", HTMLButtonElement).addEventListener("click", () =>
  act(async () => {
    forgetToken();
    await authClient.signOut();
    await showWhoIsSignedIn();
  }),
);

add.addEventListener("submit", (event) => {
  event.preventDefault();
  void act(async () => {
    await addTask(text(new FormData(add), "title"));
    add.reset();
    await showTasks();
  });
});

const refusal = element("#refusal", HTMLElement);
const show = (text: string) => {
  refusal.textContent = text;
};
element("#refused", HTMLButtonElement).addEventListener("click", () => act(async () => show(await showRefusedToken(userId))));
element("#missing", HTMLButtonElement).addEventListener("click", () => act(async () => show(await showMissingTask(userId))));

await act(showWhoIsSignedIn);
