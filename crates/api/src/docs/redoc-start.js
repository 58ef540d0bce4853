"use strict";

// ReDoc's own choice of fonts would have to come from another host.
const text = "system-ui, sans-serif";
const code = "ui-monospace, monospace";

const page = document.getElementById("page");

Redoc.init(
  page.dataset.document,
  { theme: { typography: { fontFamily: text, headings: { fontFamily: text }, code: { fontFamily: code } } } },
  page,
);
