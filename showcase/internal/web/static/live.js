// Appends the events of a run that is going on. The server renders them.
"use strict";
(() => {
  const note = document.getElementById("live");
  if (!note || note.hidden || !window.EventSource) return;
  const timeline = document.getElementById("timeline");
  const say = (text) => { if (note.textContent !== text) note.textContent = text; };
  // The browser connects again by itself, except after an error of HTTP: a proxy answers 502 while the
  // server starts again. Then this tries for a minute.
  const pause = 5000, attempts = 12;
  let failed = 0;
  const follow = () => {
    const source = new EventSource(note.dataset.stream);
    source.addEventListener("open", () => { failed = 0; say("Live: new events appear here."); });
    source.addEventListener("entry", (event) => {
      const empty = document.getElementById("empty");
      if (empty) empty.remove();
      if (!document.getElementById("event-" + event.lastEventId)) timeline.insertAdjacentHTML("beforeend", event.data);
    });
    source.addEventListener("summary", (event) => { document.getElementById("summary").innerHTML = event.data; });
    source.addEventListener("end", (event) => { source.close(); say("The run has ended: " + event.data + "."); });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED && ++failed > attempts) {
        say("Live updates are not available. Reload the page.");
        return;
      }
      say("The connection was lost. Trying again.");
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, pause);
    });
  };
  follow();
})();
