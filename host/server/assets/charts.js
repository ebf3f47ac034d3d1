// Values under pointer and arrow keys, zoom by dragging, a legend that hides series. Charts are whole without.
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const set = (element, attributes) => { for (const k in attributes) element.setAttribute(k, attributes[k]); };
const html = (name, textContent = '', className = '') => Object.assign(document.createElement(name), { textContent, className });
const KEYS = { ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9 };
const percent = part => 100 * part + '%';
// A lifted finger leaves too, but its tip is still being read.
const on = (element, names, run) => names.split(' ').forEach(name =>
  element.addEventListener(name, e => e.type + e.pointerType === 'pointerleavetouch' || run(e)));
const rect = element => element.getBoundingClientRect();
const off = (element, is = true) => element.classList.toggle('off', is);

/** Wires the charts below `root`, once. */
export function start(root) {
  for (const chart of root.querySelectorAll('.chart:not([data-live])')) {
    chart.dataset.live = '';
    const data = JSON.parse(chart.querySelector('script')?.textContent ?? null);
    legend(chart, data);
    if (data) points(chart, data);
    else if (chart.querySelector('.tip')) marks(chart);
  }
}

function legend(chart, data) {
  for (const button of chart.querySelectorAll('.legend button')) {
    const k = button.dataset.series;
    button.disabled = false;
    button.onclick = () => {
      const hide = button.ariaPressed === 'true';
      button.ariaPressed = !hide;
      for (const e of chart.querySelectorAll('.s' + k)) off(e, hide);
      if (data) data.series[k].off = hide;
    };
  }
}

/** Shows a head and rows of [name, value, colour] beside x, y of the window, within the chart. */
function tell(chart, x, y, head, rows, aloud) {
  const tip = chart.querySelector('.tip'), box = rect(chart);
  tip.ariaLive = aloud ? 'polite' : 'off';
  tip.replaceChildren(html('b', head), ...rows.map(([name, value, colour]) => {
    const row = html('div');
    row.append(html('i', '', colour && 'swatch ' + colour), html('span', name), html('em', value));
    return row;
  }));
  const left = x - box.left + 14, wide = tip.offsetWidth, room = box.width - wide;
  tip.style.left = clamp(left > room ? left - 28 - wide : left, 0, room) + 'px';
  tip.style.top = clamp(y - box.top - tip.offsetHeight / 2, 0, box.height - tip.offsetHeight) + 'px';
}
const hush = chart => chart.querySelector('.tip').replaceChildren();

/** Reads marks by their titles. */
function marks(chart) {
  const all = [...chart.querySelectorAll('.mark')], across = chart.querySelectorAll('tbody tr:first-child td').length || 1;
  const colours = [...chart.querySelectorAll('.legend .swatch')].map(s => s.classList[2]);
  const says = all.map(mark => {
    const title = mark.querySelector('title'), text = title ? title.textContent : mark.title;
    title ? title.remove() : mark.removeAttribute('title');
    return text.split('\n');
  });
  let now = -1;
  const hide = () => { all[now]?.classList.remove('now'); hush(chart); };
  const show = (i, at) => {
    hide();
    all[now = i].classList.add('now');
    const [head, ...lines] = says[i], box = rect(all[i].querySelector('.middle, .bar') || all[i]);
    const rows = lines.map((line, k) => [...line.split(/: (?!.*: )/), colours[k]]);
    tell(chart, at?.clientX ?? box.x + box.width / 2, at?.clientY ?? box.y + box.height / 2, head, rows, !at);
  };
  const over = e => { const i = all.indexOf(e.target.closest('.mark')); i < 0 ? hide() : show(i, e); };
  on(chart, 'pointermove pointerdown', over);
  on(chart, 'pointerleave focusout', hide);
  on(chart, 'focusin', e => e.target.matches('.mark:focus-visible') && show(all.indexOf(e.target)));
  on(chart, 'keydown', e => {
    const step = { ...KEYS, ArrowDown: across, ArrowUp: -across }[e.key];
    if (e.key === 'Escape') hide();
    if (!step) return;
    e.preventDefault();
    show(clamp(now + step, 0, all.length - 1));
    all[now].scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });
}

/** Reads all lines at one place of the axis. */
function points(chart, d) {
  const canvas = chart.querySelector('.canvas'), xs = d.xs || (d.run ? unroll(d.run) : d.labels.map((_, i) => i));
  const end = xs.length - 1, wide = d.x[1] - d.x[0], part = i => (xs[i] - d.x[0]) / wide;
  const iso = i => new Date(xs[i] * 1000).toISOString();
  const label = i => d.labels?.[i] ?? iso(i).slice(0, d.form[0]).replace('T', d.form[1]) + d.form[2];
  const parts = t => ({ D: +t.slice(8, 10), M: d.months[t.slice(5, 7) - 1], Y: t.slice(0, 4), H: t.slice(11, 16) });
  const shown = i => d.date ? d.date.replace(/[DMYH]/g, c => parts(iso(i))[c]) : (d.shown || d.labels)[i];
  canvas.querySelector('.hits')?.remove();
  const [pulled, hover, sense] = [...canvas.children].slice(-3), [cross, ...dots] = hover.children;
  let now = -1, from = null;
  const ends = () => [from ?? now, now].sort((p, q) => p - q);

  const show = (i, aloud) => {
    now = i;
    off(hover, false);
    const x = percent(part(i)), rows = [], box = rect(sense), write = (v, s = d.series[0]) => number(v, s, d.num);
    set(cross, { x1: x, x2: x });
    d.series.forEach((s, k) => {
      const value = s.v[i], none = s.off || value == null;
      off(dots[k], none);
      if (none) return;
      set(dots[k], { cx: x, cy: percent(clamp((d.y[1] - value / s.k) / (d.y[1] - d.y[0]), 0, 1)) });
      rows.push([s.n, write(value, s), s.c]);
    });
    if (d.band?.low[i] != null) rows.push([d.band.n, write(d.band.low[i]) + ' – ' + write(d.band.high[i])]);
    if (d.marked?.includes(i)) rows.push([d.mark, '', 'mark']);
    tell(chart, box.x + part(i) * box.width, box.y + box.height * .4, [...new Set(ends())].map(shown).join(' – '), rows, aloud);
    const [a, b] = ends();
    off(pulled, a === b);
    set(pulled, { x: percent(part(a)), width: percent(part(b) - part(a)) });
  };
  const hide = () => { from = null; off(hover); off(pulled); hush(chart); };
  const go = (a, b) => d.brush && chart.dispatchEvent(new CustomEvent('smelt:go', { bubbles: true, detail: { [d.brush[0]]: a, [d.brush[1]]: b } }));
  const commit = () => {
    const [a, b] = ends();
    hide();
    if (b > a) go(label(a), label(b));
  };
  const nearest = e => {
    const box = rect(sense), x = d.x[0] + clamp((e.clientX - box.x) / box.width, 0, 1) * wide;
    return xs.reduce((best, at, i) => Math.abs(at - x) < Math.abs(xs[best] - x) ? i : best, 0);
  };
  on(canvas, 'pointermove', e => show(nearest(e)));
  on(canvas, 'pointerdown', e => {
    const i = nearest(e);
    if (d.brush && !e.button) { from = i; canvas.setPointerCapture(e.pointerId); }
    show(i);
  });
  on(canvas, 'pointerup', () => { if (from === now) from = null; else if (from !== null) commit(); });
  on(canvas, 'pointercancel pointerleave blur', hide);
  on(canvas, 'dblclick', () => go('', ''));
  on(canvas, 'keydown', e => {
    const ten = Math.ceil(end / 10), step = { ...KEYS, PageDown: ten, PageUp: -ten }[e.key];
    if (step) {
      e.preventDefault();
      from = e.shiftKey && d.brush ? from ?? Math.max(0, now) : null;
      show(clamp(now + step, 0, end), true);
    } else if (e.key === 'Enter' && from !== null) commit();
    else if (e.key === 'Escape') { if (hover.matches('.off')) go('', ''); hide(); }
  });
}

/** Expands pairs of step and times. */
function unroll([first, ...pairs]) {
  const all = [first];
  pairs.forEach((times, i) => { for (let k = i % 2 && times; k > 0; k--) all.push(all.at(-1) + pairs[i - 1]); });
  return all;
}

/** Writes a number that the server has rounded. */
function number(value, { d, a, z }, [group, mark, from]) {
  const size = Math.abs(value), text = size < 1e15 ? size.toFixed(d) : size.toExponential(2).replace('+', '');
  const [whole, part] = text.split('.'), head = whole.length < from ? whole : whole.replace(/\B(?=(\d{3})+$)/g, group);
  return (value < 0 ? '−' : '') + a + head + (part ? mark + part : '') + z;
}
