// Appends the events of a run that is going on. The server renders them.
"use strict";
(() => {
  const note = document.getElementById("live");
  if (!note || note.hidden || !window.EventSource) return;
  const timeline = document.getElementById("timeline");
  const source = new EventSource(note.dataset.stream);
  const say = (text) => { if (note.textContent !== text) note.textContent = text; };
  source.addEventListener("open", () => say("Live: new events appear here."));
  source.addEventListener("entry", (event) => {
    const empty = document.getElementById("empty");
    if (empty) empty.remove();
    if (!document.getElementById("event-" + event.lastEventId)) timeline.insertAdjacentHTML("beforeend", event.data);
  });
  source.addEventListener("summary", (event) => { document.getElementById("summary").innerHTML = event.data; });
  source.addEventListener("end", (event) => { source.close(); say("The run has ended: " + event.data + "."); });
  source.addEventListener("error", () => {
    say(source.readyState === EventSource.CLOSED ? "Live updates are not available. Reload the page." : "The connection was lost. Trying again.");
  });
})();
