-- One row a product: the pieces that are here, how many of them are promised,
-- and how many ever came in, so that pieces sold + pieces here = pieces received can be checked. The check is a safety net only.
CREATE TABLE IF NOT EXISTS stock (
    product_id BIGINT NOT NULL PRIMARY KEY,
    quantity   BIGINT NOT NULL,
    reserved   BIGINT NOT NULL,
    received   BIGINT NOT NULL,
    CONSTRAINT stock_is_possible CHECK (quantity >= 0 AND reserved >= 0 AND reserved <= quantity)
) ENGINE = InnoDB
