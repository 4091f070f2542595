process.exit(0);
function f(a) { return a; }
