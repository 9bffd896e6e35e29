// People and agents who use AgentHQ at the same time. k6 runs this file. Environment variables:
//
//   TARGETS   path of a JSON file, because it has secrets: [{"url": "https://acme.example.com",
//             "email": "…", "password": "…", "keys": ["ahq_…"]}]. Each key is one agent.
//   PEOPLE    people at once; they are spread evenly over the targets (100)
//   DURATION  seconds in which people begin new steps (600)
//   RAMP      seconds in which the people arrive (a quarter of DURATION, at most 60)
//   THINK     seconds between two steps of a person, on average (5)
//   RESOLVE   address of all hosts, such as 127.0.0.1 (DNS decides)
//   INSECURE  true accepts every certificate. To trust another CA, set SSL_CERT_FILE instead.
//   SUMMARY   path of the result (standard output)
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const targets = JSON.parse(open(__ENV.TARGETS));
const agents = targets.flatMap((t) => (t.keys || []).map((key) => ({ url: t.url, key })));
const people = Number(__ENV.PEOPLE || 100);
const duration = Number(__ENV.DURATION || 600);
const ramp = Number(__ENV.RAMP || Math.min(60, duration / 4));
const think = Number(__ENV.THINK || 5);

// The name that the agents of this file report. People watch only their runs: they end soon.
const agentName = 'load-agent';

// The steps of a visit, and how often a person does each. The order is another one each time.
const visitSteps = { list: 6, older: 2, search: 3, run: 6, watch: 3, costs: 2, usage: 1, members: 1, keys: 1, export: 1 };

const pagesOfPeople = ['sign-in form', 'assets', 'sign-in', 'list', 'older', 'search', 'run', 'stream', 'costs', 'usage', 'members', 'keys', 'export', 'sign-out'];
const pagesOfAgents = ['new run', 'events', 'finish'];

const requests = new Counter('page_requests');
const failures = new Counter('page_failures');
const limited = new Counter('page_limited'); // 429: the tier's rate limit
const milliseconds = new Trend('page_milliseconds');
const bytes = new Trend('page_bytes');
const personSeconds = new Counter('person_seconds');

export const options = {
  scenarios: scenarios(),
  hosts: __ENV.RESOLVE ? Object.fromEntries(targets.map((t) => [hostOf(t.url), __ENV.RESOLVE])) : {},
  insecureSkipTLSVerify: __ENV.INSECURE === 'true',
  maxRedirects: 0,
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)'],
  thresholds: thresholds(),
};

function scenarios() {
  // Nobody is interrupted: the last steps may take another minute.
  const common = { executor: 'per-vu-iterations', iterations: 1, maxDuration: `${duration + 90}s` };
  const all = { people: { ...common, exec: 'person', vus: people } };
  if (agents.length > 0) all.agents = { ...common, exec: 'agent', vus: agents.length };
  return all;
}

function thresholds() {
  const all = { page_failures: ['count==0'], 'page_milliseconds{scenario:people}': ['p(95)<300'] };
  if (agents.length > 0) all['page_milliseconds{scenario:agents}'] = ['p(95)<300'];
  // The summary has the figures of a page only if the page is named here.
  for (const page of pages()) {
    for (const metric of ['page_requests', 'page_failures', 'page_limited', 'page_milliseconds', 'page_bytes']) all[`${metric}{page:${page}}`] = [];
  }
  return all;
}

function pages() {
  const watched = targets.some((t) => (t.keys || []).length > 0);
  return watched ? [...pagesOfPeople, ...pagesOfAgents] : pagesOfPeople.filter((p) => p !== 'stream');
}

function hostOf(url) {
  return url.replace(/^https?:\/\//, '').replace(/[:/].*$/, '');
}

// person visits the team again and again until the time is over.
export function person() {
  const target = targets[exec.scenario.iterationInTest % targets.length];
  sleep(Math.random() * ramp);
  const arrived = Date.now();
  const cache = {};
  repeat(() => visit(target, cache));
  personSeconds.add((Date.now() - arrived) / 1000);
}

// repeat repeats work until the time is over. A fault of work is a failure. Without this, k6 would
// go on without this person.
function repeat(work) {
  while (!over()) {
    try {
      work();
    } catch (e) {
      failures.add(1);
      console.error(`people.js: ${e}`);
      pause();
    }
  }
}

function visit(target, cache) {
  const form = get('sign-in form', target.url + '/sign-in', 'name="password"');
  if (form) loadAssets(target, form, cache);
  pause();
  if (!post('sign-in', target.url + '/sign-in', { email: target.email, password: target.password })) return;
  let list = get('list', target.url + '/runs', '<h1>Runs</h1>');
  for (const step of shuffled(visitSteps)) {
    pause();
    if (over()) break;
    list = steps[step](target, list || '', cache) || list;
  }
  post('sign-out', target.url + '/sign-out', {});
}

// steps do what a person does next, starting at a page with a list of runs. Those that lead to
// another list return it.
const steps = {
  list: (t) => get('list', t.url + '/runs', '<h1>Runs</h1>'),
  older: (t, list) => {
    const link = /class="button" href="(\/runs\?[^"]+)"/.exec(list);
    return link && get('older', t.url + link[1].replace(/&amp;/g, '&'), '<h1>Runs</h1>');
  },
  search: (t) => get('search', t.url + '/runs?status=failed&q=' + pick(['report', 'e', 'billing']), '<h1>Runs</h1>'),
  run: (t, list, cache) => { openRun(t, list, cache); },
  watch,
  costs: (t) => { get('costs', t.url + '/costs', '<svg'); },
  usage: (t) => { get('usage', t.url + '/usage', 'Storage'); },
  members: (t) => { get('members', t.url + '/members', '<h1>Members'); },
  keys: (t) => { get('keys', t.url + '/keys', '<h1>API keys'); },
  export: (t) => { get('export', t.url + '/export/runs.csv', 'id,agent,title'); },
};

function openRun(target, list, cache) {
  const ids = [...list.matchAll(/href="\/runs\/([0-9a-f-]{36})"/g)];
  if (ids.length === 0) return '';
  const page = get('run', `${target.url}/runs/${pick(ids)[1]}`, '<h2>Timeline</h2>');
  if (page) loadAssets(target, page, cache);
  return page;
}

// watch opens a run that goes on, and follows it until it ends.
function watch(target, _, cache) {
  const list = get('search', `${target.url}/runs?status=running&agent=${agentName}`, '<h1>Runs</h1>');
  const page = list && openRun(target, list, cache);
  const stream = page && /data-stream="([^"?]+)\?after=(\d+)"/.exec(page);
  if (!stream) return list; // no agent is at work, or the run has ended just now
  let [, path, after] = stream;
  // A stream that ends before its run is opened again, as a browser does it.
  for (let i = 0; i < 20; i++) {
    const text = get('stream', `${target.url}${path}?after=${after}`, '', { timeout: `${60 + 10 * think}s` });
    if (text === null) return list;
    if (/^event: end$/m.test(text)) return list;
    const ids = [...text.matchAll(/^id: (\d+)$/gm)];
    if (ids.length > 0) after = ids[ids.length - 1][1];
    sleep(3);
  }
  failures.add(1, { page: 'stream' });
  console.error('stream: the run did not end');
  return list;
}

// loadAssets loads the style sheet and the script of a page, unless the browser has them.
function loadAssets(target, page, cache) {
  for (const [, path] of page.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)) {
    if (!cache[path]) cache[path] = get('assets', target.url + path, '') !== null;
  }
}

// agent reports one run after the other until the time is over.
export function agent() {
  const { url, key } = agents[exec.scenario.iterationInTest];
  sleep(Math.random() * think);
  repeat(() => report(url, key));
}

function report(url, key) {
  const title = pick(['Answer a ticket', 'Write the weekly report', 'Review a change']);
  const run = call(key, 'new run', 'POST', url + '/api/v1/runs', { agent: agentName, title, model: 'large-2' }, 201);
  if (run) {
    const { id } = run.json();
    const batches = 6 + Math.floor(Math.random() * 7);
    for (let i = 0; i < batches && !over(); i++) {
      sleep(think * 0.4);
      call(key, 'events', 'POST', `${url}/api/v1/runs/${id}/events`, { events: [step('model', i), step('tool', i), step('log', i)] }, 201);
    }
    const end = pick([{ status: 'succeeded' }, { status: 'succeeded' }, { status: 'failed', error: 'The tool did not answer.' }]);
    call(key, 'finish', 'PATCH', `${url}/api/v1/runs/${id}`, end, 200);
  }
  sleep(think);
}

function step(kind, i) {
  return { kind, message: `Step ${i}: ` + 'compare what the customer wrote with the documents. '.repeat(3), cost_microusd: 900, tokens: 350, data: { attempt: 1, tool: 'search', hits: i } };
}

// call sends a request of an agent. After a 429 it waits as long as the response says, and tries
// again. It returns null if the request was not accepted.
function call(key, page, method, url, body, status) {
  const headers = { Authorization: 'Bearer ' + key, 'Content-Type': 'application/json', 'Idempotency-Key': `${exec.vu.idInTest}-${Date.now()}-${Math.random()}` };
  for (let i = 0; i < 5; i++) {
    const r = http.request(method, url, JSON.stringify(body), { headers, tags: { name: page } });
    if (record(page, r, r.status === status)) return r;
    if (r.status !== 429) return null;
    sleep(Number(r.headers['Retry-After'] || 1));
  }
  return null;
}

// get loads a page. It returns its text, and null if the page is not as it should be.
function get(page, url, text, params) {
  const r = http.get(url, { headers: { 'Accept-Encoding': 'gzip' }, tags: { name: page }, ...params });
  return record(page, r, r.status === 200 && (r.body || '').includes(text)) ? r.body : null;
}

// post sends a form, after which the browser is sent to another page.
function post(page, url, form) {
  const r = http.post(url, form, { tags: { name: page } });
  return record(page, r, r.status === 303);
}

function record(page, r, ok) {
  const tags = { page };
  requests.add(1, tags);
  if (r.status === 429) {
    limited.add(1, tags);
  } else if (!ok) {
    failures.add(1, tags);
    console.error(`${page}: status ${r.status} ${r.error}`);
  } else {
    // A stream lasts as long as its run. Its first bytes are what a person waits for.
    milliseconds.add(page === 'stream' ? r.timings.waiting : r.timings.duration, tags);
    bytes.add(size(r.body || ''), tags);
  }
  return ok;
}

// size returns the bytes of a text in UTF-8.
function size(text) {
  let n = text.length;
  for (const c of text.match(/[^\x00-\x7f]/gu) || []) n += c < '\u0800' ? 1 : 2;
  return n;
}

function over() { return Date.now() > exec.scenario.startTime + duration * 1000; }
function pause() { sleep(think * (0.4 + 1.2 * Math.random())); }
function pick(list) { return list[Math.floor(Math.random() * list.length)]; }

function shuffled(weights) {
  const cards = Object.entries(weights).flatMap(([name, n]) => Array(n).fill(name));
  for (let i = cards.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [cards[i], cards[j]] = [cards[j], cards[i]];
  }
  return cards;
}

export function handleSummary(data) {
  const of = (metric, field) => (data.metrics[metric] ? data.metrics[metric].values[field] || 0 : 0);
  const row = (tag) => ({
    requests: of('page_requests' + tag, 'count'), failures: of('page_failures' + tag, 'count'), limited: of('page_limited' + tag, 'count'),
    p50: of('page_milliseconds' + tag, 'med'), p95: of('page_milliseconds' + tag, 'p(95)'), p99: of('page_milliseconds' + tag, 'p(99)'), bytes: of('page_bytes' + tag, 'avg'),
  });
  const result = {
    people, agents: agents.length, personSeconds: of('person_seconds', 'count'), receivedBytes: of('data_received', 'count'), total: row(''),
    p95People: of('page_milliseconds{scenario:people}', 'p(95)'), p95Agents: of('page_milliseconds{scenario:agents}', 'p(95)'),
    pages: pages().map((page) => ({ page, ...row(`{page:${page}}`) })),
  };
  return { [__ENV.SUMMARY || 'stdout']: JSON.stringify(result, null, 1) };
}
