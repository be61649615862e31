-- One row per saga. It decides how the saga ends. payment.pay inserts it, or payment.cancel inserts it as a tombstone.
CREATE TABLE IF NOT EXISTS payments (
    saga_id        VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    payment_id     CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fingerprint    CHAR(64)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id       CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    customer_id    BIGINT NOT NULL,
    amount         DECIMAL(15, 2) NOT NULL,
    payment_method VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    lease          CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL,
    lease_until    DATETIME(6) NULL,
    created_at     DATETIME(6) NOT NULL,
    updated_at     DATETIME(6) NOT NULL,
    UNIQUE KEY payments_payment_id (payment_id),
    KEY payments_by_status (status, created_at)
) ENGINE = InnoDB
