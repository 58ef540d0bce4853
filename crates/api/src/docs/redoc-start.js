"use strict";

// ReDoc's own choice of fonts would have to come from another host.
const text = "system-ui, sans-serif";
const code = "ui-monospace, monospace";

Redoc.init(
  "/openapi.json",
  { theme: { typography: { fontFamily: text, headings: { fontFamily: text }, code: { fontFamily: code } } } },
  document.getElementById("page"),
);
