module tour

go 1.23

require github.com/task-api/client v0.0.0

replace github.com/task-api/client => ../generated/go
