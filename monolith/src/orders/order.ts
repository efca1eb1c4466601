import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type NonAttribute,
  type Sequelize,
} from 'sequelize';
import type { Product } from '../catalog/product.ts';

/** What becomes of an order. The shop itself only places them. */
export type OrderStatus = 'placed' | 'shipped' | 'delivered' | 'cancelled';

/** A placed order with the address it goes to. */
export class Order extends Model<InferAttributes<Order>, InferCreationAttributes<Order>> {
  declare id: CreationOptional<string>;
  declare customerId: string;
  declare status: CreationOptional<OrderStatus>;
  declare totalCents: number;
  declare recipient: string;
  declare street: string;
  declare postcode: string;
  declare city: string;
  declare placedAt: CreationOptional<Date>;
  declare items?: NonAttribute<OrderItem[]>;
}

/** One line of an order, with the name and the price of that day. */
export class OrderItem extends Model<InferAttributes<OrderItem>, InferCreationAttributes<OrderItem>> {
  declare id: CreationOptional<string>;
  declare orderId: string;
  declare productId: string;
  declare productName: string;
  declare unitPriceCents: number;
  declare quantity: number;
  declare product?: NonAttribute<Product>;
}

const text = (length: number) => ({ type: DataTypes.STRING(length), allowNull: false });

/** The `orders` table on this connection. */
export function defineOrder(sequelize: Sequelize) {
  return class extends Order {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      customerId: { type: DataTypes.BIGINT, allowNull: false },
      status: { ...text(20), defaultValue: 'placed' },
      totalCents: { type: DataTypes.INTEGER, allowNull: false },
      recipient: text(100),
      street: text(120),
      postcode: text(12),
      city: text(80),
      placedAt: DataTypes.DATE,
    },
    {
      sequelize,
      modelName: 'Order',
      tableName: 'orders',
      underscored: true,
      createdAt: 'placedAt',
      updatedAt: false,
    },
  );
}

/** The `order_items` table on this connection. */
export function defineOrderItem(sequelize: Sequelize) {
  return class extends OrderItem {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      orderId: { type: DataTypes.BIGINT, allowNull: false },
      productId: { type: DataTypes.BIGINT, allowNull: false },
      productName: text(120),
      unitPriceCents: { type: DataTypes.INTEGER, allowNull: false },
      quantity: { type: DataTypes.INTEGER, allowNull: false },
    },
    { sequelize, modelName: 'OrderItem', tableName: 'order_items', underscored: true, timestamps: false },
  );
}
