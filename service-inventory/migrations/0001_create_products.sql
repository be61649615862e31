-- What can be ordered. A price never changes: a reservation refers to it.
CREATE TABLE IF NOT EXISTS products (
    product_id BIGINT NOT NULL PRIMARY KEY,
    name       VARCHAR(200) CHARACTER SET utf8mb4 NOT NULL,
    price      DECIMAL(15, 2) NOT NULL,
    created_at DATETIME(6) NOT NULL
) ENGINE = InnoDB
