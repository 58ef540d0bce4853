"""Fails where a file is not CycloneDX 1.5: judged by the schema, and nothing but what the schema names may be in it."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

with open(sys.argv[1], encoding="utf-8") as file:
    error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read())
if error:
    sys.exit(f"{sys.argv[1]} is not CycloneDX: {error}")
