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

/** A customer's cart, or a visitor's (`customerId` null) that only his session knows. */
export class Cart extends Model<InferAttributes<Cart>, InferCreationAttributes<Cart>> {
  declare id: CreationOptional<string>;
  declare customerId: string | null;
  declare createdAt: CreationOptional<Date>;
}

/** One product in a cart; `quantity` is 1 to 20. */
export class CartItem extends Model<InferAttributes<CartItem>, InferCreationAttributes<CartItem>> {
  declare cartId: string;
  declare productId: string;
  declare quantity: number;
  declare addedAt: CreationOptional<Date>;
  declare product?: NonAttribute<Product>;
}

/** The `carts` table on this connection. */
export function defineCart(sequelize: Sequelize) {
  return class extends Cart {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      customerId: { type: DataTypes.BIGINT },
      createdAt: DataTypes.DATE,
    },
    { sequelize, modelName: 'Cart', tableName: 'carts', underscored: true, updatedAt: false },
  );
}

/** The `cart_items` table on this connection. */
export function defineCartItem(sequelize: Sequelize) {
  return class extends CartItem {}.init(
    {
      cartId: { type: DataTypes.BIGINT, primaryKey: true },
      productId: { type: DataTypes.BIGINT, primaryKey: true },
      quantity: { type: DataTypes.INTEGER, allowNull: false },
      addedAt: { type: DataTypes.DATE, allowNull: false, defaultValue: DataTypes.NOW },
    },
    { sequelize, modelName: 'CartItem', tableName: 'cart_items', underscored: true, timestamps: false },
  );
}
