import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type NonAttribute,
  type Sequelize,
} from 'sequelize';
import type { Customer } from '../customers/customer.ts';

/** Hidden reviews are neither listed nor averaged. */
export type ReviewStatus = 'published' | 'hidden';

/** A customer's opinion of a product, one each. `rating` is 1 to 5 stars. */
export class Review extends Model<InferAttributes<Review>, InferCreationAttributes<Review>> {
  declare id: CreationOptional<string>;
  declare productId: string;
  declare customerId: string;
  declare rating: number;
  declare title: string;
  declare body: string;
  declare status: CreationOptional<ReviewStatus>;
  declare helpfulCount: CreationOptional<number>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare customer?: NonAttribute<Customer>;
}

/** The `reviews` table on this connection. */
export function defineReview(sequelize: Sequelize) {
  return class extends Review {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      productId: { type: DataTypes.BIGINT, allowNull: false },
      customerId: { type: DataTypes.BIGINT, allowNull: false },
      rating: { type: DataTypes.SMALLINT, allowNull: false },
      title: { type: DataTypes.STRING(120), allowNull: false },
      body: { type: DataTypes.TEXT, allowNull: false },
      status: { type: DataTypes.STRING(20), allowNull: false, defaultValue: 'published' },
      helpfulCount: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      createdAt: DataTypes.DATE,
      updatedAt: DataTypes.DATE,
    },
    { sequelize, modelName: 'Review', tableName: 'reviews', underscored: true },
  );
}
