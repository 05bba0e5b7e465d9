// Turns what a terminal received into a picture and a text: node terminal.mjs RECORDING OUT.svg OUT.txt [FROM=TO…]
import { readFileSync, writeFileSync } from 'node:fs';

const [recording, svg, txt, ...renames] = process.argv.slice(2);
const COLOURS = { 30: '#6e7781', 31: '#ff8182', 32: '#6fdd8b', 33: '#eac54f', 34: '#80ccff', 35: '#d8b9ff', 36: '#76e3ea', 37: '#f6f8fa', 90: '#8c959f' };
const WIDTH = 8.4, HEIGHT = 18, PAD = 16;

let raw = readFileSync(recording, 'utf8').replace(/^Script started.*\n/, '').replace(/\nScript done[^]*$/, '\n');
for (const rename of renames) raw = raw.replaceAll(...rename.split(/=(.*)/s).slice(0, 2));
const lines = raw.split('\n').map((line) => draw(line.replace(/\r$/, '')));
while (lines.length && !plain(lines.at(-1)).trim()) lines.pop();

writeFileSync(txt, lines.map((line) => plain(line).trimEnd()).join('\n') + '\n');
const columns = Math.max(80, ...lines.map((line) => plain(line).length));
writeFileSync(svg, [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(columns * WIDTH + 2 * PAD)} ${lines.length * HEIGHT + 2 * PAD}" role="img" aria-label="What entrance demo --once says">`,
  '<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>',
  '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#d0d7de" xml:space="preserve">',
  ...lines.map((line, row) => `<text x="${PAD}" y="${PAD + (row + 0.75) * HEIGHT}">${line.map(span).join('')}</text>`),
  '</g></svg>', '',
].join('\n'));

// One line of the terminal: what is overwritten after a carriage return or an erase does not count.
function draw(line) {
  const cells = [];
  let at = 0, style = {};
  for (const part of line.split(/(\x1b\[[0-9;?]*[A-Za-z]|\r)/)) {
    if (part === '\r') at = 0;
    else if (/^\x1b\[[0-9;]*m$/.test(part)) style = restyle(style, part.slice(2, -1));
    else if (/^\x1b\[[012]?K$/.test(part)) part === '\x1b[2K' ? (cells.length = 0, at = 0) : cells.splice(at);
    else if (!part.startsWith('\x1b')) for (const character of part) cells[at++] = { character, style };
  }
  return Array.from(cells, (cell) => cell ?? { character: ' ', style: {} });
}

function restyle(style, codes) {
  for (const code of (codes || '0').split(';').map(Number)) {
    if (code === 0) style = {};
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 2) style = { ...style, dim: true };
    else if (code === 22) style = { ...style, bold: false, dim: false };
    else if (code === 39) style = { ...style, colour: undefined };
    else if (COLOURS[code] ?? COLOURS[code - 60]) style = { ...style, colour: COLOURS[code] ?? COLOURS[code - 60] };
  }
  return style;
}

function plain(line) {
  return line.map(({ character }) => character).join('');
}

function span({ character, style }, index, line) {
  const open = index === 0 || line[index - 1].style !== style;
  const close = index === line.length - 1 || line[index + 1].style !== style;
  const attributes = [style.colour && ` fill="${style.colour}"`, style.bold && ' font-weight="bold"', style.dim && ' opacity="0.65"'].filter(Boolean).join('');
  const text = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }[character] ?? character;
  return `${open ? `<tspan${attributes}>` : ''}${text}${close ? '</tspan>' : ''}`;
}
