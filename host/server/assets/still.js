// Shows one page of a file, and one view of a page, by the fragment of the address.
const root = document.documentElement;
root.classList.add('js');

function show() {
  const target = document.getElementById(location.hash.slice(1));
  const pages = [...document.querySelectorAll('main > .place')];
  const page = target?.closest('.place') ?? (target && pages.find(page => page.matches('.now'))) ?? pages[0];
  const isOther = page && !page.matches('.now');
  for (const other of pages) other.classList.toggle('now', other === page);
  const within = page ?? document.querySelector('main'), views = [...within.querySelectorAll('.view')];
  // A page keeps its view until another one is chosen.
  const view = target?.closest('.view') ?? views.find(view => view.matches('.now')) ?? views[0];
  for (const other of views) other.classList.toggle('now', other === view);
  start(within);
  if (page) {
    document.title = page.dataset.title + ' · ' + document.querySelector('.brand span').textContent;
    const menu = page.id.startsWith('tables/') ? 'tables' : page.id;
    for (const link of document.querySelectorAll('header.top li a')) {
      link.getAttribute('href') === '#' + menu ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
    }
  }
  if (target && target !== view && target !== page) target.scrollIntoView();
  else if (isOther) scrollTo(0, 0);
}

// Another view of the same page takes the place of the one that is read, without a jump.
document.addEventListener('click', event => {
  const href = event.target.closest?.('a')?.getAttribute('href');
  if (!href?.startsWith('#') || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const view = document.getElementById(href.slice(1));
  if (!view?.matches('.view') || !(view.closest('.place') ?? view).matches('.now, main > .view')) return;
  event.preventDefault();
  history.pushState(null, '', href);
  show();
});
addEventListener('hashchange', show);
addEventListener('DOMContentLoaded', () => {
  show();
  for (const graph of document.querySelectorAll('.graph')) {
    const light = name => graph.querySelectorAll('.edges path').forEach(path => path.classList.toggle('on', path.dataset.from === name || path.dataset.to === name));
    for (const node of graph.querySelectorAll('.node')) {
      for (const on of ['mouseenter', 'focus']) node.addEventListener(on, () => light(node.dataset.name));
      for (const off of ['mouseleave', 'blur']) node.addEventListener(off, () => light(null));
    }
  }
});
