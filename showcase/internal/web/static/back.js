// The button Back can show a copy of a page that the browser has kept, even after a sign-out. This asks
// the server again. It is no reload, because that would send a form a second time.
"use strict";
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(location.pathname + location.search);
});
