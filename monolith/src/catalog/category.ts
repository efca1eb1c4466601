import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';

/** A department of the shop. Ids are decimal strings: they are bigint in the database. */
export class Category extends Model<InferAttributes<Category>, InferCreationAttributes<Category>> {
  declare id: CreationOptional<string>;
  declare slug: string;
  declare name: string;
  declare description: string;
  declare sortOrder: number;
}

/** The `categories` table on this connection. */
export function defineCategory(sequelize: Sequelize) {
  return class extends Category {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      slug: { type: DataTypes.STRING(80), allowNull: false },
      name: { type: DataTypes.STRING(80), allowNull: false },
      description: { type: DataTypes.TEXT, allowNull: false },
      sortOrder: { type: DataTypes.INTEGER, allowNull: false, field: 'sort_order' },
    },
    { sequelize, modelName: 'Category', tableName: 'categories', timestamps: false },
  );
}
