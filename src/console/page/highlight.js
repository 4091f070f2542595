// Colours for source code, line by line: what a line looks like depends on its text and on the
// state that the line before it left, so that an edit repaints what it changed and no more.

/** Longer lines are left plain: nobody reads them, and each would cost a frame. */
export const PAINTED_MAX = 5_000;

const words = text => new Set(text.split(' '));

const NUMBER = String.raw`\b(?:0[xXoObB][\da-fA-F_]+n?|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?[nfFdDlLjJ]?)\b`;
const NAME = String.raw`[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*`;
const quoted = quote => String.raw`${quote}(?:[^${quote}\\]|\\.)*(?:${quote}|\\?$)`;

/**
 * A grammar: what begins a token outside of everything, and what ends what spans lines.
 * `open` names the state that a token leaves when it is not closed on its line.
 */
const C_LIKE = {
  token: new RegExp(`(?<comment>//.*)|(?<block>/\\*)|(?<text>\`)|(?<string>${quoted('"')}|${quoted("'")})|(?<number>${NUMBER})|(?<name>${NAME})|(?<decorator>@${NAME})`, 'g'),
  open: { block: 'block', text: 'template' },
  close: { block: /\*\//g, template: /(?<!\\)(?:\\\\)*`/g },
};

const GRAMMARS = {
  python: {
    token: new RegExp(`(?<comment>#.*)|(?<long>[rRbBuUfF]{0,2}(?:"""|'''))|(?<string>[rRbBuUfF]{0,2}(?:${quoted('"')}|${quoted("'")}))|(?<number>${NUMBER})|(?<name>${NAME})|(?<decorator>@${NAME}(?:\\.${NAME})*)`, 'g'),
    open: { long: match => (match.endsWith('"') ? 'double' : 'single') },
    close: { double: /(?<!\\)(?:\\\\)*"""/g, single: /(?<!\\)(?:\\\\)*'''/g },
    keywords: words('and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield'),
    constants: words('True False None self cls'),
  },
  javascript: {
    ...C_LIKE,
    keywords: words('as async await break case catch class const continue debugger default delete do else export extends finally for from function get if import in instanceof let new of return set static switch throw try typeof var void while with yield'),
    constants: words('true false null undefined this super NaN Infinity'),
  },
  java: {
    token: new RegExp(C_LIKE.token.source.replace('(?<text>`)', '(?<text>""")'), 'g'),
    open: { block: 'block', text: 'text' },
    close: { block: C_LIKE.close.block, text: /(?<!\\)(?:\\\\)*"""/g },
    keywords: words('abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally float for if implements import instanceof int interface long native new package permits private protected public record return sealed short static strictfp switch synchronized throw throws transient try var void volatile while yield'),
    constants: words('true false null this super'),
  },
};
GRAMMARS.typescript = {
  ...GRAMMARS.javascript,
  keywords: new Set([...GRAMMARS.javascript.keywords, ...words('abstract any boolean declare enum implements interface is keyof namespace never number object private protected public readonly satisfies string symbol type unknown')]),
};

/** The state before the first line. */
export const START = '';

/**
 * The tokens of a line and the state it leaves.
 * @returns {{tokens: Array<[string, string]>, state: string}} pairs of class and text; '' is plain
 */
export function paint(line, state, language) {
  const grammar = GRAMMARS[language];
  if (grammar === undefined) return { tokens: [['', line]], state };
  const tokens = [];
  let at = 0;
  const push = (kind, end) => {
    if (end > at) tokens.push([kind, line.slice(at, end)]);
    at = end;
  };
  if (state !== START) {
    const end = endOf(grammar, state, line, 0);
    push(state === 'block' ? 'comment' : 'string', end ?? line.length);
    if (end === null) return { tokens, state };
  }
  grammar.token.lastIndex = at;
  for (let match = grammar.token.exec(line); match !== null; match = grammar.token.exec(line)) {
    push('', match.index);
    const [kind, text] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    const after = match.index + text.length;
    const opened = grammar.open[kind];
    if (opened !== undefined) {
      const left = typeof opened === 'function' ? opened(text) : opened;
      const end = endOf(grammar, left, line, after);
      push(kind === 'block' ? 'comment' : 'string', end ?? line.length);
      if (end === null) return { tokens, state: left };
      grammar.token.lastIndex = end;
    } else if (kind === 'name') push(nameKind(grammar, text, line, after), after);
    else push(kind, after);
  }
  push('', line.length);
  return { tokens, state: START };
}

function endOf(grammar, state, line, from) {
  const close = grammar.close[state];
  close.lastIndex = from;
  const match = close.exec(line);
  return match === null ? null : match.index + match[0].length;
}

function nameKind(grammar, name, line, after) {
  if (grammar.keywords.has(name)) return 'keyword';
  if (grammar.constants.has(name)) return 'constant';
  if (line[after] === '(') return 'call';
  return /^[A-Z]/.test(name) ? 'type' : '';
}
