-- One row per product. quantity: units in stock. reserved: how many of them are reserved for orders.
-- received: all units that have been delivered. The checker tests that sold units + quantity = received.
-- The CHECK only guards against bugs: the UPDATE statements never violate it.
CREATE TABLE IF NOT EXISTS stock (
    product_id BIGINT NOT NULL PRIMARY KEY,
    quantity   BIGINT NOT NULL,
    reserved   BIGINT NOT NULL,
    received   BIGINT NOT NULL,
    CONSTRAINT stock_is_possible CHECK (quantity >= 0 AND reserved >= 0 AND reserved <= quantity)
) ENGINE = InnoDB
