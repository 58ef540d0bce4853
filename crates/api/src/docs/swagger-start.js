"use strict";

// The page may lie below a prefix that a proxy takes away, so nothing here begins with a slash. Requests that are tried out
// go to where the document lies.
const page = document.getElementById("page");
const address = new URL(page.dataset.document, window.location.href);
const prefix = new URL(".", address).pathname.replace(/\/$/, "");

// The token that is typed into "Authorize" is kept in memory only: it is gone when the page is.
const show = (spec) =>
  SwaggerUIBundle({
    spec: prefix ? { ...spec, servers: [{ url: prefix }] } : spec,
    domNode: page,
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });

fetch(address)
  .then((answer) => {
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  })
  .then(show)
  .catch((error) => {
    page.textContent = `The document ${address} cannot be shown: ${error.message}.`;
  });
