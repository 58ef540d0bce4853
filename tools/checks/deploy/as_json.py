"""Prints the documents of YAML files as one list of JSON, since Rust has no reader of YAML that is kept up."""

import json
import sys

import yaml

documents = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        documents.extend(document for document in yaml.safe_load_all(file) if document is not None)
json.dump(documents, sys.stdout, default=str)
