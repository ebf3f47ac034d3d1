// Adds to charts what a picture alone cannot do: values under the pointer and the arrow keys, zoom by dragging, and a
// legend that hides series. It draws nothing of its own: without it each chart is complete, with its table below.
const NS = 'http://www.w3.org/2000/svg';
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const svg = (name, className, parent) => {
  const element = parent.appendChild(document.createElementNS(NS, name));
  element.setAttribute('class', className);
  return element;
};
const set = (element, attributes) => Object.entries(attributes).forEach(([k, v]) => element.setAttribute(k, v));
const html = (name, content = '', className = '') => Object.assign(document.createElement(name), { textContent: content, className });

/** Wires every chart below `root`; charts that are wired already stay as they are. */
export function start(root) {
  for (const chart of root.querySelectorAll('.chart:not([data-live])')) {
    chart.dataset.live = '';
    const source = chart.querySelector('script[type="application/json"]');
    const data = source && JSON.parse(source.textContent);
    legend(chart, data);
    if (data) points(chart, data);
    else if (chart.querySelector('.mark:not(.swatch)')) marks(chart);
  }
}

/** Makes a button of each series in the legend. */
function legend(chart, data) {
  for (const item of chart.querySelectorAll('.legend li[data-series]')) {
    const k = item.dataset.series, button = html('button');
    button.type = 'button';
    button.ariaPressed = 'true';
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener('click', () => {
      const shown = button.ariaPressed !== 'true';
      button.ariaPressed = String(shown);
      chart.querySelectorAll('.s' + k).forEach(e => e.classList.toggle('off', !shown));
      if (data) data.series[k].off = !shown;
    });
  }
}

/** Fills the tip with a head and rows of [name, value, class of colour], and places it beside x, y within the chart. */
function tell(chart, x, y, head, rows, aloud) {
  const tip = chart.querySelector('.tip');
  tip.ariaLive = aloud ? 'polite' : 'off';
  tip.replaceChildren(html('b', head), ...rows.map(([name, value, colour]) => {
    const row = html('div');
    row.append(html('i', '', colour ? 'swatch ' + colour : ''), html('span', name), html('em', value));
    return row;
  }));
  tip.classList.add('on');
  const right = x + 14 + tip.offsetWidth > chart.clientWidth;
  tip.style.left = clamp(right ? x - 14 - tip.offsetWidth : x + 14, 0, Math.max(0, chart.clientWidth - tip.offsetWidth)) + 'px';
  tip.style.top = clamp(y - tip.offsetHeight / 2, 0, Math.max(0, chart.clientHeight - tip.offsetHeight)) + 'px';
}
const hush = chart => chart.querySelector('.tip').classList.remove('on');

/** Reads marks: each says itself in its title, whose first line is the head. */
function marks(chart) {
  const all = [...chart.querySelectorAll('.mark:not(.swatch)')], width = chart.querySelectorAll('tbody tr:first-child td').length || 1;
  const colours = chart.classList.contains('several') && [...chart.querySelectorAll('.legend .swatch')].map(s => s.classList[s.classList.length - 1]);
  const says = all.map(mark => {
    const title = mark.querySelector('title'), text = title ? title.textContent : mark.title;
    title ? title.remove() : mark.removeAttribute('title');
    return text.split('\n');
  });
  let now = -1;
  const show = (i, event) => {
    all[now]?.classList.remove('now');
    all[now = i].classList.add('now');
    const box = chart.getBoundingClientRect(), at = (all[i].querySelector('.middle, .bar') || all[i]).getBoundingClientRect();
    const [head, ...lines] = says[i], rows = lines.map((line, k) => {
      const cut = line.lastIndexOf(': ');
      return [line.slice(0, cut), line.slice(cut + 2), colours && colours[k]];
    });
    tell(chart, (event ? event.clientX : at.left + at.width / 2) - box.left, (event ? event.clientY : at.top + at.height / 2) - box.top, head, rows, !event);
  };
  const hide = () => { all[now]?.classList.remove('now'); hush(chart); };
  chart.addEventListener('pointermove', e => {
    const i = all.indexOf(e.target.closest('.mark'));
    i < 0 ? hide() : show(i, e);
  });
  chart.addEventListener('pointerleave', hide);
  chart.addEventListener('focusout', hide);
  chart.addEventListener('focusin', e => { const i = all.indexOf(e.target); if (i >= 0 && e.target.matches(':focus-visible')) show(i); });
  chart.addEventListener('keydown', e => {
    if (e.target.closest('.legend')) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width, Home: -all.length, End: all.length }[e.key];
    if (step) { e.preventDefault(); show(clamp(now + step, 0, all.length - 1)); all[now].scrollIntoView({ block: 'nearest', inline: 'nearest' }); }
    if (e.key === 'Escape') hide();
  });
}

/** Reads points of lines: all series at one place of the axis. */
function points(chart, d) {
  const canvas = chart.querySelector('.canvas'), area = canvas.querySelector('.area');
  const xs = d.xs || (d.run ? unroll(d.run) : d.labels.map((_, i) => i)), last = xs.length - 1;
  const part = i => (xs[i] - d.x[0]) / (d.x[1] - d.x[0]), percent = v => 100 * v + '%';
  const iso = i => new Date(xs[i] * 1000).toISOString();
  const label = i => d.labels ? d.labels[i] : iso(i).slice(0, d.form[0]).replace('T', d.form[1]) + d.form[2];
  const shown = i => d.shown ? d.shown[i] : !d.date ? label(i) : d.date.replace(/[DMYH]/g, c =>
    ({ D: +iso(i).slice(8, 10), M: d.months[iso(i).slice(5, 7) - 1], Y: +iso(i).slice(0, 4), H: iso(i).slice(11, 16) })[c]);
  canvas.querySelector('.hits')?.remove();
  const hover = svg('g', 'hover off', area), pulled = svg('rect', 'pulled off', area), cross = svg('line', 'cross', hover);
  const dots = d.series.map(s => svg('circle', 'dot ' + s.c, hover)), sense = svg('rect', 'sense', area);
  set(cross, { y1: 0, y2: '100%' });
  set(pulled, { y: 0, height: '100%' });
  set(sense, { width: '100%', height: '100%' });
  let now = -1, from = null, drag = false;

  const show = (i, aloud) => {
    now = i;
    hover.classList.remove('off');
    set(cross, { x1: percent(part(i)), x2: percent(part(i)) });
    const rows = [];
    d.series.forEach((s, k) => {
      const value = s.v[i], hidden = s.off || value == null;
      dots[k].classList.toggle('off', hidden);
      if (hidden) return;
      set(dots[k], { r: 4.5, cx: percent(part(i)), cy: percent(clamp(1 - (value / s.k - d.y[0]) / (d.y[1] - d.y[0]), 0, 1)) });
      rows.push([s.n, number(value, s, d.num), s.c]);
    });
    if (d.band && d.band.low[i] != null) rows.push([d.band.n, number(d.band.low[i], d.series[0], d.num) + ' – ' + number(d.band.high[i], d.series[0], d.num)]);
    if (d.marked?.includes(i)) rows.push(['', d.mark]);
    const box = chart.getBoundingClientRect(), plot = sense.getBoundingClientRect();
    tell(chart, plot.left - box.left + part(i) * plot.width, plot.top - box.top + plot.height * .4, shown(i), rows.length ? rows : [['no value', '–']], aloud);
    const ends = from === null ? null : [from, i].sort((a, b) => a - b).map(part);
    pulled.classList.toggle('off', !ends || ends[0] === ends[1]);
    if (ends) set(pulled, { x: percent(ends[0]), width: percent(ends[1] - ends[0]) });
  };
  const hide = () => { from = null; drag = false; hover.classList.add('off'); pulled.classList.add('off'); hush(chart); };
  const go = (a, b) => chart.dispatchEvent(new CustomEvent('smelt:go', { bubbles: true, detail: { [d.brush[0]]: a, [d.brush[1]]: b } }));
  const commit = () => {
    const [a, b] = [from, now].sort((p, q) => p - q);
    hide();
    if (d.brush && b > a) go(label(a), label(b));
  };
  const nearest = e => {
    const plot = sense.getBoundingClientRect(), x = d.x[0] + clamp((e.clientX - plot.left) / plot.width, 0, 1) * (d.x[1] - d.x[0]);
    let best = 0;
    for (let i = 1; i <= last; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[best] - x)) best = i;
    return best;
  };
  canvas.addEventListener('pointermove', e => show(nearest(e)));
  canvas.addEventListener('pointerdown', e => {
    if (e.button || !d.brush) return show(nearest(e));
    drag = true;
    from = nearest(e);
    canvas.setPointerCapture(e.pointerId);
    show(from);
  });
  canvas.addEventListener('pointerup', () => drag && commit());
  for (const end of ['pointercancel', 'blur']) canvas.addEventListener(end, hide);
  canvas.addEventListener('pointerleave', () => drag || hide());
  canvas.addEventListener('dblclick', () => d.brush && go('', ''));
  canvas.addEventListener('keydown', e => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: Math.ceil(last / 10), PageUp: -Math.ceil(last / 10), Home: -xs.length, End: xs.length }[e.key];
    if (step) {
      e.preventDefault();
      // Shift and arrows choose a range as a drag does; Enter zooms into it.
      from = e.shiftKey && d.brush ? from ?? Math.max(0, now) : null;
      show(clamp(now + step, 0, last), true);
    } else if (e.key === 'Enter' && from !== null) commit();
    else if (e.key === 'Escape') {
      const idle = hover.classList.contains('off');
      hide();
      if (idle && d.brush) go('', '');
    }
  });
}

/** Returns positions from a first one and pairs of step and times. */
function unroll([first, ...pairs]) {
  const all = [first];
  for (let i = 0; i < pairs.length; i += 2) for (let k = 0; k < pairs[i + 1]; k++) all.push(all[all.length - 1] + pairs[i]);
  return all;
}

/** Writes a number that the server has rounded, with its marks. */
function number(value, { d, a, z }, [group, mark, from]) {
  let text = Math.abs(value) >= 1e15 ? Math.abs(value).toExponential(2).replace('+', '') : Math.abs(value).toFixed(d);
  const [whole, part] = text.split('.');
  if (!text.includes('e')) text = whole.length < from ? whole : whole.replace(/\B(?=(\d{3})+$)/g, group);
  else text = whole;
  return (value < 0 ? '\u2212' : '') + a + text + (part ? mark + part : '') + z;
}
