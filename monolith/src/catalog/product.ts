import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type NonAttribute,
  type Sequelize,
} from 'sequelize';
import type { InventoryItem } from '../inventory/inventory-item.ts';
import type { Category } from './category.ts';

/** A thing for sale. `priceCents` in euro cents; `imageSeed` decides how its picture is drawn. */
export class Product extends Model<InferAttributes<Product>, InferCreationAttributes<Product>> {
  declare id: CreationOptional<string>;
  declare slug: string;
  declare name: string;
  declare description: string;
  declare priceCents: number;
  declare categoryId: string;
  declare imageSeed: number;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare category?: NonAttribute<Category>;
  declare inventory?: NonAttribute<InventoryItem | null>;
}

/** The `products` table on this connection. */
export function defineProduct(sequelize: Sequelize) {
  return class extends Product {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      slug: { type: DataTypes.STRING(120), allowNull: false },
      name: { type: DataTypes.STRING(120), allowNull: false },
      description: { type: DataTypes.TEXT, allowNull: false },
      priceCents: { type: DataTypes.INTEGER, allowNull: false },
      categoryId: { type: DataTypes.BIGINT, allowNull: false },
      imageSeed: { type: DataTypes.INTEGER, allowNull: false },
      createdAt: DataTypes.DATE,
      updatedAt: DataTypes.DATE,
    },
    { sequelize, modelName: 'Product', tableName: 'products', underscored: true },
  );
}
