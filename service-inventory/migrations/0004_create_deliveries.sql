-- One row per delivery. The caller chooses the id, so a repeated call adds nothing.
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    product_id  BIGINT NOT NULL,
    quantity    BIGINT NOT NULL,
    created_at  DATETIME(6) NOT NULL
) ENGINE = InnoDB
