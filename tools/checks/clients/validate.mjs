// Judges a document by the schema of OpenAPI and by the rules that the schema cannot say.
import SwaggerParser from "@apidevtools/swagger-parser";

await SwaggerParser.validate(process.argv[2]);
