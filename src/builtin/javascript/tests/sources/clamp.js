/** Keeps a value between two others. clamp(5, 1, 3) gives 3. */
function clamp(value, low, high) {
  if (low > high) {
    throw new RangeError('low must not be greater than high');
  }
  return Math.max(low, Math.min(value, high));
}
