-- One row per product. The price of a product never changes.
CREATE TABLE IF NOT EXISTS products (
    product_id BIGINT NOT NULL PRIMARY KEY,
    name       VARCHAR(200) CHARACTER SET utf8mb4 NOT NULL,
    price      DECIMAL(15, 2) NOT NULL,
    created_at DATETIME(6) NOT NULL
) ENGINE = InnoDB
