-- One row a product: the pieces that are here, and how many of them are promised. The check is a safety net only.
CREATE TABLE IF NOT EXISTS stock (
    product_id BIGINT NOT NULL PRIMARY KEY,
    quantity   BIGINT NOT NULL,
    reserved   BIGINT NOT NULL,
    CONSTRAINT stock_is_possible CHECK (quantity >= 0 AND reserved >= 0 AND reserved <= quantity)
) ENGINE = InnoDB
