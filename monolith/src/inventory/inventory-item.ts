import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type NonAttribute,
  type Sequelize,
} from 'sequelize';

/** What the warehouse holds of one product: `quantity` on the shelf, `reserved` of them for orders not yet sent. */
export class InventoryItem extends Model<
  InferAttributes<InventoryItem>,
  InferCreationAttributes<InventoryItem>
> {
  declare productId: string;
  declare quantity: number;
  declare reserved: CreationOptional<number>;
  declare updatedAt: CreationOptional<Date>;

  /** How many can still be sold. */
  get available(): NonAttribute<number> {
    return this.quantity - this.reserved;
  }
}

/** The `inventory` table on this connection. */
export function defineInventoryItem(sequelize: Sequelize) {
  return class extends InventoryItem {}.init(
    {
      productId: { type: DataTypes.BIGINT, primaryKey: true },
      quantity: { type: DataTypes.INTEGER, allowNull: false },
      reserved: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      updatedAt: DataTypes.DATE,
    },
    { sequelize, modelName: 'InventoryItem', tableName: 'inventory', underscored: true, createdAt: false },
  );
}
