import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';

/** Someone with an account. Buys on account, up to `creditLimitCents`. `email` is lower case. */
export class Customer extends Model<InferAttributes<Customer>, InferCreationAttributes<Customer>> {
  declare id: CreationOptional<string>;
  declare email: string;
  declare displayName: string;
  declare passwordHash: string;
  declare creditLimitCents: number;
  declare creditUsedCents: CreationOptional<number>;
  declare createdAt: CreationOptional<Date>;
}

/** The `customers` table on this connection. */
export function defineCustomer(sequelize: Sequelize) {
  return class extends Customer {}.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      email: { type: DataTypes.STRING(254), allowNull: false },
      displayName: { type: DataTypes.STRING(60), allowNull: false },
      passwordHash: { type: DataTypes.STRING(255), allowNull: false },
      creditLimitCents: { type: DataTypes.INTEGER, allowNull: false },
      creditUsedCents: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      createdAt: DataTypes.DATE,
    },
    { sequelize, modelName: 'Customer', tableName: 'customers', underscored: true, updatedAt: false },
  );
}
