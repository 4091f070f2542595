const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
export async function double(n) {
  await wait(30);
  return n * 2;
}
