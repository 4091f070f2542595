'use strict';

/** A stock-keeping unit: three letters, a dash, four digits. */
const SKU = /^[A-Z]{3}-\d{4}$/;

class OutOfStockError extends Error {
  constructor(sku, wanted, available) {
    super(`${sku}: ${wanted} wanted, ${available} available`);
    this.name = 'OutOfStockError';
    this.sku = sku;
  }
}

class Inventory {
  #items = new Map();
  #listeners = new Set();

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(sku, quantity, price) {
    if (!SKU.test(sku)) throw new TypeError(`not a SKU: ${sku}`);
    if (!Number.isInteger(quantity) || quantity <= 0) throw new RangeError('a positive quantity');
    const item = this.#items.get(sku) ?? { sku, quantity: 0, price };
    item.quantity += quantity;
    item.price = price;
    this.#items.set(sku, item);
    this.#tell({ type: 'added', sku, quantity });
    return this;
  }

  take(sku, quantity) {
    const available = this.quantityOf(sku);
    if (available < quantity) throw new OutOfStockError(sku, quantity, available);
    this.#items.get(sku).quantity -= quantity;
    this.#tell({ type: 'taken', sku, quantity });
  }

  quantityOf(sku) {
    return this.#items.get(sku)?.quantity ?? 0;
  }

  get value() {
    return [...this.#items.values()].reduce((sum, { quantity, price }) => sum + quantity * price, 0);
  }

  lowStock(threshold = 5) {
    return [...this.#items.values()]
      .filter((item) => item.quantity < threshold)
      .map(({ sku, quantity }) => ({ sku, quantity }))
      .sort((a, b) => a.quantity - b.quantity || a.sku.localeCompare(b.sku));
  }

  #tell(event) {
    for (const listener of this.#listeners) listener(event);
  }
}

async function restock(inventory, supplier, threshold) {
  const orders = inventory.lowStock(threshold).map(async ({ sku }) => {
    const { quantity, price } = await supplier.order(sku);
    inventory.add(sku, quantity, price);
    return sku;
  });
  return Promise.all(orders);
}

module.exports = { Inventory, OutOfStockError, restock };
