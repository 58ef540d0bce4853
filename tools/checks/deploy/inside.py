"""Uses a service from within its own network, which has loopback and nothing else. Prints the metrics of the service, and
fails with a sentence where something is not as it should be. The key source is here too, since the network ends here."""

import errno
import http.client
import http.server
import json
import os
import socket
import sys
import threading
import time

HOST = "127.0.0.1"
PATIENCE = 20
# The public key of RFC 8037, appendix A.2. Nothing is signed with it: it is there to be fetched.
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "a", "alg": "EdDSA"}


def call(method, path, body=None, token=None, port=int(os.environ["SERVICE_PORT"])):
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def check(holds, sentence):
    if not holds:
        sys.exit(sentence)


def wait_for(status, path):
    since = time.monotonic()
    seen = None
    while time.monotonic() - since < PATIENCE:
        try:
            seen = call("GET", path)
            if seen[0] == status:
                return seen[1]
        except OSError as error:
            seen = error
        time.sleep(0.05)
    sys.exit(f"{path} does not answer {status} but: {seen}")


class Keys(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"keys": [KEY]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def nothing_else_is_reached():
    names = [name for _, name in socket.if_nameindex()]
    check(names == ["lo"], f"the network has more than loopback: {names}")
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=2)
    except OSError as error:
        check(error.errno == errno.ENETUNREACH, f"another host is not out of reach: {error}")
    else:
        sys.exit("another host was reached")


def tasks_are_served(user, token):
    tasks = f"/api/{user}/tasks"
    status, text = call("POST", tasks, {"title": "Written from inside"}, token)
    check(status == 201, f"creating is answered {status}: {text}")
    task = f"{tasks}/{json.loads(text)['id']}"
    status, text = call("PATCH", f"{task}/complete", token=token)
    check(status == 200 and json.loads(text)["completed"], f"completing is answered {status}: {text}")
    status, text = call("GET", tasks, token=token)
    check(status == 200 and json.loads(text)["count"] == 1, f"the list is answered {status}: {text}")
    status, text = call("DELETE", task, token=token)
    check(status == 200, f"deleting is answered {status}: {text}")
    statuses = [call("GET", tasks)[0] for _ in range(3)]
    check(statuses == [401, 429, 429], f"without a token, with a limit of one, the answers are {statuses}")


nothing_else_is_reached()
wait_for(200, "/health/live")
status, text = call("GET", "/health/ready")
check(status == 503 and json.loads(text)["checks"]["keys"] != "ok", f"ready without keys: {status} {text}")
server = http.server.ThreadingHTTPServer((HOST, int(os.environ["KEYS_PORT"])), Keys)
threading.Thread(target=server.serve_forever, daemon=True).start()
wait_for(200, "/health/ready")
tasks_are_served(os.environ["TASK_API_USER"], os.environ["TASK_API_TOKEN"])
status, text = call("GET", "/metrics", port=int(os.environ["METRICS_PORT"]))
check(status == 200, f"the metrics are answered {status}")
print(text)
