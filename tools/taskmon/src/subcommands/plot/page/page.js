// SPDX-License-Identifier: GPL-2.0
"use strict";
// The page of one recording. All names come from a recording, which anybody may have written: they
// are set as text, never as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const canvas = document.querySelector("canvas");
const LEFT = 52, RIGHT = 10, TOP = 16, BOTTOM = 34;
const UNKNOWN = 65535;

// The share of each bin as sums of all bins before, so that the mean of any range takes two reads.
function series(base64, scale) {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const values = new DataView(bytes.buffer);
  const sums = new Float64Array(data.bins + 1), known = new Uint32Array(data.bins + 1);
  for (let bin = 0; bin < data.bins; bin++) {
    const value = values.getUint16(bin * 2, true);
    sums[bin + 1] = sums[bin] + (value === UNKNOWN ? 0 : value * scale);
    known[bin + 1] = known[bin] + (value === UNKNOWN ? 0 : 1);
  }
  return { sums, known };
}
const areas = data.areas.map(area => ({ ...area, ...series(area.data, area.scale) }));
const waiting = data.waiting && series(data.waiting.data, data.waiting.scale);

// The mean share over the bins from `from` to `to`; null where nothing was sampled.
function mean(of, from, to) {
  const known = of.known[to] - of.known[from];
  return known ? (of.sums[to] - of.sums[from]) / known : null;
}

// Times: local time of the recording's machine, as the pieces say.
function piece(us) {
  let found = data.pieces[0];
  for (const each of data.pieces) if (each[0] <= us) found = each;
  return found;
}
function time(us, decimals) {
  const found = piece(us);
  if (!found) return `boot+${(us / 1e6).toFixed(decimals)}s`;
  const text = new Date((us + found[1]) / 1000).toISOString();
  return text.slice(11, decimals ? 20 + decimals : 19);
}
function day(us) {
  const found = piece(us);
  return found ? `${new Date((us + found[1]) / 1000).toISOString().slice(0, 10)} ${found[2]}` : "";
}
const percent = share => share === null ? "-" : `${(share * 100).toFixed(1)}%`;
const seconds = us => us === null ? "-" : (us / 1e6).toFixed(3);

const whole = [data.from_us, data.to_us];
let view = [...whole], picked = null, pointer = null;

function show(from, to) {
  const least = Math.max(1000, (whole[1] - whole[0]) / data.bins * 4);
  const length = Math.min(whole[1] - whole[0], Math.max(least, to - from));
  from = Math.min(Math.max(whole[0], from), whole[1] - length);
  view = [from, from + length];
  draw();
}

const binOf = us => (us - whole[0]) / (whole[1] - whole[0]) * data.bins;
function binsAt(x, width) {
  const us = pixel => view[0] + (pixel / width) * (view[1] - view[0]);
  const from = Math.min(data.bins - 1, Math.max(0, Math.floor(binOf(us(x)))));
  return [from, Math.min(data.bins, Math.max(from + 1, Math.ceil(binOf(us(x + 1)) - 1e-6)))];
}

function ticks(top) {
  const rough = top * 100 / 4, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(each => each * size).find(each => each >= rough);
  return { step, top: Math.ceil(top * 100 / step - 1e-6) * step };
}

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name);
let drawn = 0;
function draw() {
  drawn += 1;
  canvas.dataset.drawn = drawn;
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = box.width * ratio;
  canvas.height = box.height * ratio;
  const to = canvas.getContext("2d");
  to.scale(ratio, ratio);
  const width = Math.max(1, Math.floor(box.width - LEFT - RIGHT)), height = box.height - TOP - BOTTOM;
  // Find the highest column first: the axis has a tick there.
  const columns = [];
  let highest = data.cpus && data.cpus <= data.highest * 2.5 ? data.cpus : 0;
  for (let x = 0; x < width; x++) {
    const [from, until] = binsAt(x, width);
    const shares = areas.map(area => mean(area, from, until));
    const wait = waiting && mean(waiting, from, until);
    columns.push([shares, wait]);
    highest = Math.max(highest, shares.reduce((sum, share) => sum + (share || 0), 0), wait || 0);
  }
  const axis = ticks(highest || 0.01), y = share => TOP + height * (1 - share * 100 / axis.top);
  to.font = "11px sans-serif";
  to.textAlign = "right";
  for (let each = 0; each <= axis.top + 1e-9; each += axis.step) {
    to.strokeStyle = colour("--grid");
    line(to, LEFT, y(each / 100), LEFT + width, y(each / 100));
    to.fillStyle = colour("--faint");
    to.fillText(`${+each.toFixed(2)} %`, LEFT - 5, y(each / 100) + 4);
  }
  hatch(to, width, height);
  columns.forEach(([shares, wait], x) => {
    let base = 0;
    shares.forEach((share, number) => {
      if (!share) return;
      to.globalAlpha = picked === null || picked === number ? 1 : 0.25;
      to.fillStyle = areas[number].colour;
      to.fillRect(LEFT + x, y(base + share), 1.02, y(base) - y(base + share));
      base += share;
    });
    to.globalAlpha = 1;
  });
  if (waiting) {
    to.strokeStyle = colour("--ink");
    to.lineWidth = 1.5;
    to.beginPath();
    let before = null;
    columns.forEach(([, wait], x) => {
      if (wait !== null) to[before === null ? "moveTo" : "lineTo"](LEFT + x, y(wait));
      before = wait;
    });
    to.stroke();
    to.lineWidth = 1;
  }
  if (data.cpus && data.cpus * 100 <= axis.top) {
    to.strokeStyle = colour("--ink");
    to.setLineDash([6, 4]);
    line(to, LEFT, y(data.cpus), LEFT + width, y(data.cpus));
    to.setLineDash([]);
    to.fillStyle = colour("--ink");
    to.fillText(data.cpus === 1 ? "1 CPU" : `${data.cpus} CPUs`, LEFT + width, y(data.cpus) - 4);
  }
  timeAxis(to, width, TOP + height);
  const decimals = view[1] - view[0] < 2e7 ? 3 : 0;
  document.getElementById("range").textContent =
    `${day(view[0])} ${time(view[0], decimals)} to ${time(view[1], decimals)}`;
  canvas.dataset.from = view[0];
  canvas.dataset.to = view[1];
}

function line(to, x, y, endX, endY) {
  to.beginPath();
  to.moveTo(x, y);
  to.lineTo(endX, endY);
  to.stroke();
}

function hatch(to, width, height) {
  const x = us => LEFT + (us - view[0]) / (view[1] - view[0]) * width;
  to.strokeStyle = colour("--faint");
  to.save();
  to.beginPath();
  for (const [from, until] of data.unsampled) {
    const begin = Math.max(LEFT, x(from)), end = Math.min(LEFT + width, x(until));
    if (end > begin) to.rect(begin, TOP, end - begin, height);
  }
  to.clip();
  to.globalAlpha = 0.5;
  for (let each = -height; each < width; each += 7) line(to, LEFT + each, TOP + height, LEFT + each + height, TOP);
  to.restore();
}

const STEPS = [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1.5e7, 3e7, 6e7, 1.2e8, 3e8, 6e8, 9e8,
  1.8e9, 3.6e9, 7.2e9, 1.08e10, 2.16e10, 4.32e10, 8.64e10];
function timeAxis(to, width, y) {
  const length = view[1] - view[0], most = Math.max(2, width / 90);
  const step = STEPS.find(each => length / each <= most) || length;
  const offset = (piece(view[0]) || [0, 0])[1];
  to.textAlign = "center";
  to.strokeStyle = to.fillStyle = colour("--faint");
  line(to, LEFT, y, LEFT + width, y);
  for (let us = Math.ceil((view[0] + offset) / step) * step - offset; us <= view[1]; us += step) {
    const x = LEFT + (us - view[0]) / length * width;
    line(to, x, y, x, y + 4);
    to.fillText(time(us, step < 1e6 ? 3 : 0), x, y + 16);
  }
}

function hover(event) {
  const box = canvas.getBoundingClientRect(), width = Math.floor(box.width - LEFT - RIGHT);
  const x = Math.floor(event.clientX - box.left - LEFT), target = document.getElementById("hover");
  target.hidden = x < 0 || x >= width;
  if (target.hidden) return;
  const [from, until] = binsAt(x, width), us = view[0] + (x + 0.5) / width * (view[1] - view[0]);
  const lines = [`${day(us)} ${time(us, view[1] - view[0] < 2e7 ? 3 : 0)}`];
  const shares = areas.map(area => mean(area, from, until));
  if (shares.every(share => share === null)) lines.push("not sampled");
  [...areas.keys()].reverse().forEach(number => {
    if (shares[number]) lines.push(`${areas[number].name}: ${percent(shares[number])}`);
  });
  const wait = waiting && mean(waiting, from, until);
  if (wait) lines.push(`waiting for a CPU: ${percent(wait)}`);
  target.replaceChildren(...lines.map(text => Object.assign(document.createElement("div"), { textContent: text })));
  target.style.left = `${Math.min(LEFT + x + 12, box.width - target.offsetWidth - 4)}px`;
  target.style.top = `${Math.max(0, event.clientY - box.top - 20)}px`;
}

function zoom(factor, at) {
  const middle = view[0] + at * (view[1] - view[0]);
  show(middle - (middle - view[0]) * factor, middle + (view[1] - middle) * factor);
}

canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const box = canvas.getBoundingClientRect();
  zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(1, Math.max(0, (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT))));
}, { passive: false });
canvas.addEventListener("pointerdown", event => {
  pointer = [event.clientX, ...view];
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", event => {
  if (pointer) {
    const width = canvas.getBoundingClientRect().width - LEFT - RIGHT;
    const moved = (pointer[0] - event.clientX) / width * (pointer[2] - pointer[1]);
    show(pointer[1] + moved, pointer[2] + moved);
  }
  hover(event);
});
canvas.addEventListener("pointerup", () => { pointer = null; });
canvas.addEventListener("pointerleave", () => { document.getElementById("hover").hidden = true; });
canvas.addEventListener("dblclick", () => show(...whole));
document.getElementById("all").addEventListener("click", () => show(...whole));
canvas.addEventListener("keydown", event => {
  const step = (view[1] - view[0]) / 10;
  const actions = { "+": () => zoom(0.8, 0.5), "-": () => zoom(1.25, 0.5), Escape: () => show(...whole),
    ArrowLeft: () => show(view[0] - step, view[1] - step), ArrowRight: () => show(view[0] + step, view[1] + step) };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});
window.addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

// The legend, in the order of the stack.
document.querySelector("h1").textContent = document.title = data.title;
document.getElementById("about").textContent = data.about;
[...areas.keys()].reverse().forEach(number => {
  const entry = document.createElement("li"), mark = document.createElement("i");
  mark.style.background = areas[number].colour;
  entry.append(mark, areas[number].legend);
  document.querySelector("ul").append(entry);
});
if (waiting) {
  const entry = document.createElement("li");
  entry.textContent = "line: waiting for a CPU, all processes";
  document.querySelector("ul").append(entry);
}

// The table.
const COLUMNS = [["PID", row => row.pid], ["COMMAND", row => row.name], ["USER s", row => row.usr_us, seconds], ["SYSTEM s", row => row.sys_us, seconds],
  ["WAIT s", row => row.wait_us, seconds], ["CPU%", row => row.share, percent], ["PEAK", row => row.peak_share, percent],
  ["FIRST", row => row.first_us, us => time(us, 0)], ["LAST", row => row.last_us, us => time(us, 0)],
  ["STATUS", row => row.status === "exit 0" ? "" : row.status || ""]];
let order = [5, -1];
function table() {
  const filter = document.getElementById("filter").value.toLowerCase(), [column, sign] = order;
  const value = COLUMNS[column][1];
  const rows = data.rows.filter(row => row.name.toLowerCase().includes(filter));
  rows.sort((one, other) => (value(one) < value(other) ? -1 : value(one) > value(other) ? 1 : 0) * sign);
  const shown = rows.slice(0, 500);
  document.querySelector("tbody").replaceChildren(...shown.map(row => {
    const line = document.createElement("tr");
    line.className = picked !== null && row.area === picked ? "picked" : "";
    for (const [, of, text] of COLUMNS) {
      const cell = document.createElement("td");
      cell.textContent = text ? text(of(row)) : of(row) ?? "";
      line.append(cell);
    }
    line.addEventListener("click", () => {
      picked = picked === row.area ? null : row.area;
      draw();
      table();
    });
    return line;
  }));
  const left = rows.length - shown.length + data.left_out;
  document.getElementById("more").textContent = left ? `and ${left} more` : "";
}
COLUMNS.forEach(([name], number) => {
  const cell = document.createElement("th");
  cell.textContent = name;
  cell.tabIndex = 0;
  const sort = () => {
    order = [number, order[0] === number ? -order[1] : number < 2 ? 1 : -1];
    table();
  };
  cell.addEventListener("click", sort);
  cell.addEventListener("keydown", event => event.key === "Enter" && sort());
  document.querySelector("thead tr").append(cell);
});
document.getElementById("filter").addEventListener("input", table);
table();
draw();
