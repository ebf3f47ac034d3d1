// Makes pages quick: what a reader chooses changes the address and the content without a reload, back and forward work, and a
// new commit brings itself. Without this script all of it works by links and forms.
import { start as startCharts } from './charts.js';

const main = () => document.querySelector('main');
let number = 0;
let isLive = false;
const plain = address => new URL(address, location).href.split('#')[0];
let shown = plain(location);

// Says whether news come by themselves. Content that is replaced says it again.
function live(is) {
  isLive = is;
  document.querySelectorAll('.live').forEach(it => { it.hidden = !is; });
}

// Replaces the content by that of the address, and keeps the scroll and the field that is being filled in.
async function load(address, push) {
  const mine = ++number;
  shown = plain(address);
  main().setAttribute('aria-busy', 'true');
  let answer;
  try {
    answer = await fetch(address, { headers: { accept: 'text/html' } });
  } catch {
    main().removeAttribute('aria-busy');
    return;
  }
  if (answer.redirected && new URL(answer.url).pathname.endsWith('/login')) { location.assign(address); return; }
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  if (mine !== number) return;
  const focus = document.activeElement?.name;
  const [start, end] = focus && document.activeElement.selectionStart != null ? [document.activeElement.selectionStart, document.activeElement.selectionEnd] : [];
  const open = [...document.querySelectorAll('main details[open]')].map(it => it.closest('[id]')?.id);
  const scrolls = [...document.querySelectorAll('main .scroll, main .graph')].map(it => it.scrollLeft);
  document.title = next.title;
  for (const part of ['main', 'header.top', 'footer.page']) {
    const [old, made] = [document.querySelector(part), next.querySelector(part)];
    if (old && made) old.replaceWith(made);
  }
  live(isLive);
  if (push) history.pushState(null, '', address);
  for (const id of open) { const details = id && document.getElementById(id)?.querySelector('details'); if (details) details.open = true; }
  if (focus) {
    const again = document.querySelector(`main [name="${CSS.escape(focus)}"]`);
    again?.focus({ preventScroll: true });
    if (start != null && again?.setSelectionRange && again.type !== 'number') try { again.setSelectionRange(start, end); } catch {}
  }
  begin();
  [...document.querySelectorAll('main .scroll, main .graph')].forEach((it, at) => { if (scrolls[at]) it.scrollLeft = scrolls[at]; });
}

// Sets parameters of the address; an empty value leaves one out.
function go(change) {
  const address = new URL(location);
  for (const [name, value] of Object.entries(change)) value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
  return load(address, true);
}

function send(form, changed) {
  const address = new URL(location);
  address.searchParams.delete('page');
  for (const [name, value] of new FormData(form)) value === '' && name !== changed ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  // Days that are chosen by hand take the place of a preset.
  const range = changed?.match(/^(.*)_(from|to)$/);
  if (range) address.searchParams.delete(range[1]);
  else for (const input of form.querySelectorAll('.dates input')) address.searchParams.has(input.name.replace(/_(from|to)$/, '')) && address.searchParams.delete(input.name);
  const before = new URL(location);
  if (!range) for (const input of form.querySelectorAll('.dates input')) before.searchParams.has(input.name) || address.searchParams.delete(input.name);
  load(address, true);
}

function begin() {
  startCharts(main());
  for (const form of document.querySelectorAll('main form.filters')) {
    let wait;
    form.addEventListener('change', event => send(form, event.target.name));
    form.addEventListener('submit', event => { event.preventDefault(); send(form, null); });
    form.querySelectorAll('input[type=search]').forEach(input => input.addEventListener('input', () => {
      clearTimeout(wait);
      wait = setTimeout(() => send(form, input.name), 250);
    }));
  }
  for (const graph of document.querySelectorAll('.graph')) {
    const light = name => graph.querySelectorAll('.edges path').forEach(path => path.classList.toggle('on', path.dataset.from === name || path.dataset.to === name));
    for (const node of graph.querySelectorAll('.node')) {
      for (const on of ['mouseenter', 'focus']) node.addEventListener(on, () => light(node.dataset.name));
      for (const off of ['mouseleave', 'blur']) node.addEventListener(off, () => light(null));
    }
  }
}

// Links that only change what is chosen stay on the page.
document.addEventListener('click', event => {
  const link = event.target.closest?.('main a[href]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.hasAttribute('download')) return;
  const to = new URL(link.href, location);
  if (to.origin === location.origin && to.pathname === location.pathname && to.search !== location.search) { event.preventDefault(); load(to, true); }
});
document.addEventListener('smelt:go', event => go(event.detail));
// A step to another part of the same content, as by the link over the menu, is one that the browser takes alone.
addEventListener('popstate', () => { if (plain(location) !== shown) load(location.href, false); });

// A commit, or a page that was saved, brings itself.
if (document.body.dataset.events) {
  const events = new EventSource(document.body.dataset.events);
  events.addEventListener('open', () => live(true));
  events.addEventListener('error', () => live(false));
  events.addEventListener('commit', event => { if (event.data !== document.querySelector('footer.page')?.dataset.commit) load(location.href, false); });
  events.addEventListener('pages', () => load(location.href, false));
}
begin();
