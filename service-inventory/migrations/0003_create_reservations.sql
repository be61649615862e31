-- One row per saga. stock.reserve inserts it. If stock.release comes first, it inserts a tombstone.
CREATE TABLE IF NOT EXISTS reservations (
    saga_id     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    fingerprint CHAR(64)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id    CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    product_id  BIGINT NOT NULL,
    quantity    BIGINT NOT NULL,
    unit_price  DECIMAL(15, 2) NULL,
    status      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    KEY reservations_by_product (product_id, status),
    KEY reservations_by_status (status, created_at)
) ENGINE = InnoDB
