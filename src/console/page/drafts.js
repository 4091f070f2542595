// What was typed survives a reload. Each tab keeps its own draft, so that two tabs do not write
// over each other; a new tab begins with what was last typed in any.

import { browserShelf, tabShelf } from './dom.js';

const NAME = 'draft';

/** The draft of this tab, else the newest of this browser, else nothing. */
export const lastDraft = () => tabShelf.read(NAME) ?? browserShelf.read(NAME) ?? {};

/** Keeps a draft. Where storage is off or full it is kept while the page is open, as ever. */
export function keepDraft(draft) {
  tabShelf.write(NAME, draft);
  browserShelf.write(NAME, draft);
}
