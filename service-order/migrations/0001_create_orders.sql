-- One row per order. order.create inserts it. If order.cancel comes first, it inserts a tombstone.
CREATE TABLE IF NOT EXISTS orders (
    saga_id        VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    order_id       CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fingerprint    CHAR(64)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payment_id     CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    customer_id    BIGINT NOT NULL,
    product_id     BIGINT NOT NULL,
    quantity       BIGINT NOT NULL,
    amount         DECIMAL(15, 2) NOT NULL,
    payment_method VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at     DATETIME(6) NOT NULL,
    updated_at     DATETIME(6) NOT NULL,
    UNIQUE KEY orders_order_id (order_id),
    KEY orders_by_customer (customer_id, created_at),
    KEY orders_by_status (status, created_at)
) ENGINE = InnoDB
