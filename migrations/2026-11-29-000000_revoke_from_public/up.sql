-- Default privileges of a schema may have given every role rights on the tables that the migrations before made. No release
-- has relied on them: docs/operations.md gives the role of the service rights of its own.
-- contract: unneeded since 0.1.0
REVOKE ALL ON tasks, idempotency_keys, service_keys FROM PUBLIC;
