function spin() { while (true); }
function leave(n) { if (n > 3) process.exit(1); return n + 1; }
function patch(list) { Array.prototype.map = () => 'patched'; Object.keys = () => []; return list.length; }
function chance(n) { return n + Math.random() + Date.now(); }
function sane(a, b) { return a > b ? a : b; }
