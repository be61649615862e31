-- The simulated gateway's ledger. The gateway has the money if status is APPROVED and effective_at is in the past.
CREATE TABLE IF NOT EXISTS charges (
    charge_key       VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    amount           DECIMAL(15, 2) NOT NULL,
    payment_method   VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status           VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    effective_at     DATETIME(6) NOT NULL,
    available_at     DATETIME(6) NOT NULL,
    refund_failures  INT NOT NULL,
    approve_calls    INT NOT NULL,
    cancel_calls     INT NOT NULL,
    created_at       DATETIME(6) NOT NULL,
    updated_at       DATETIME(6) NOT NULL,
    KEY charges_by_status (status)
) ENGINE = InnoDB
