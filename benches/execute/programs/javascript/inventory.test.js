const { Inventory, OutOfStockError, restock } = require('./inventory');

describe('Inventory', () => {
  let inventory;

  beforeEach(() => {
    inventory = new Inventory().add('ABC-0001', 10, 250).add('XYZ-0002', 2, 1999);
  });

  test('adds up quantities of the same item', () => {
    inventory.add('ABC-0001', 5, 260);
    expect(inventory.quantityOf('ABC-0001')).toBe(15);
  });

  test('knows nothing of other items', () => {
    expect(inventory.quantityOf('QQQ-9999')).toBe(0);
  });

  test('is worth what all items are worth', () => {
    expect(inventory.value).toBe(10 * 250 + 2 * 1999);
  });

  test.each(['abc-0001', 'AB-0001', 'ABC-001', ''])('refuses %p as a SKU', (sku) => {
    expect(() => inventory.add(sku, 1, 1)).toThrow(TypeError);
  });

  test('does not hand out what is not there', () => {
    expect(() => inventory.take('XYZ-0002', 3)).toThrow(OutOfStockError);
    expect(() => inventory.take('XYZ-0002', 3)).toThrow('3 wanted, 2 available');
  });

  test('tells of changes until nobody listens', () => {
    const listener = jest.fn();
    const stop = inventory.onChange(listener);
    inventory.take('ABC-0001', 4);
    stop();
    inventory.take('ABC-0001', 1);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(listener).toHaveBeenCalledWith({ type: 'taken', sku: 'ABC-0001', quantity: 4 });
  });
});

describe('restock', () => {
  test('orders what is low', async () => {
    const inventory = new Inventory().add('ABC-0001', 10, 250).add('XYZ-0002', 2, 1999);
    const supplier = { order: jest.fn().mockResolvedValue({ quantity: 20, price: 1899 }) };
    await expect(restock(inventory, supplier, 5)).resolves.toEqual(['XYZ-0002']);
    expect(inventory.quantityOf('XYZ-0002')).toBe(22);
  });
});
