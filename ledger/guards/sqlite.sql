CREATE TRIGGER guard_transaction_insert BEFORE INSERT ON ledger_transaction
BEGIN SELECT CASE
    WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE id = NEW.id)
        THEN RAISE(ABORT, 'guard: a transaction is written once')
    WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE scope = NEW.scope AND key = NEW.key) THEN RAISE(IGNORE)
    WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE reverses_id = NEW.reverses_id)
        THEN RAISE(ABORT, 'guard: a transaction is reversed at most once')
END; END;
---
CREATE TRIGGER guard_transaction_update BEFORE UPDATE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'guard: transactions are append-only'); END;
---
CREATE TRIGGER guard_transaction_delete BEFORE DELETE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'guard: transactions are append-only'); END;
---
CREATE TRIGGER guard_posting_insert BEFORE INSERT ON ledger_posting
WHEN (NEW.id IS NOT NULL AND EXISTS (SELECT 1 FROM ledger_posting WHERE id = NEW.id))
  OR EXISTS (SELECT 1 FROM ledger_posting WHERE transaction_id = NEW.transaction_id AND number = NEW.number)
  OR EXISTS (SELECT 1 FROM ledger_posting WHERE debit_id = NEW.debit_id AND debit_seq = NEW.debit_seq)
  OR EXISTS (SELECT 1 FROM ledger_posting WHERE credit_id = NEW.credit_id AND credit_seq = NEW.credit_seq)
BEGIN SELECT RAISE(ABORT, 'guard: a posting is written once'); END;
---
CREATE TRIGGER guard_posting_agrees AFTER INSERT ON ledger_posting
WHEN NOT EXISTS (
    SELECT 1 FROM ledger_account a WHERE a.id = NEW.debit_id AND a.coin_id = NEW.coin_id
    AND CASE WHEN a.shared THEN NEW.debit_seq IS NULL ELSE
        NEW.debit_seq IS NOT NULL AND NEW.debit_debits IS NOT NULL AND NEW.debit_credits IS NOT NULL
        AND NEW.debit_debits <= NEW.debit_credits AND NEW.debit_seq <= a.version
        AND CASE WHEN NEW.debit_seq = a.version
            THEN NEW.debit_debits = a.debits AND NEW.debit_credits = a.credits
            ELSE NEW.debit_debits <= a.debits AND NEW.debit_credits <= a.credits END END
) OR NOT EXISTS (
    SELECT 1 FROM ledger_account a WHERE a.id = NEW.credit_id AND a.coin_id = NEW.coin_id
    AND CASE WHEN a.shared THEN NEW.credit_seq IS NULL ELSE
        NEW.credit_seq IS NOT NULL AND NEW.credit_debits IS NOT NULL AND NEW.credit_credits IS NOT NULL
        AND NEW.credit_debits <= NEW.credit_credits AND NEW.credit_seq <= a.version
        AND CASE WHEN NEW.credit_seq = a.version
            THEN NEW.credit_debits = a.debits AND NEW.credit_credits = a.credits
            ELSE NEW.credit_debits <= a.debits AND NEW.credit_credits <= a.credits END END
)
BEGIN SELECT RAISE(ABORT, 'guard: a posting agrees with its accounts and their coin'); END;
---
CREATE TRIGGER guard_posting_update BEFORE UPDATE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'guard: postings are append-only'); END;
---
CREATE TRIGGER guard_posting_delete BEFORE DELETE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'guard: postings are append-only'); END;
---
CREATE TRIGGER guard_account_insert BEFORE INSERT ON ledger_account
BEGIN SELECT CASE
    WHEN NEW.debits <> printf('%050d', 0) OR NEW.credits <> printf('%050d', 0) OR NEW.version <> 0
        OR EXISTS (SELECT 1 FROM ledger_account WHERE id = NEW.id)
        THEN RAISE(ABORT, 'guard: an account opens empty and once')
    WHEN EXISTS (SELECT 1 FROM ledger_account WHERE coin_id = NEW.coin_id AND kind = NEW.kind
                 AND number = NEW.number AND owner_id IS NEW.owner_id) THEN RAISE(IGNORE)
END; END;
---
CREATE TRIGGER guard_account_update BEFORE UPDATE ON ledger_account
WHEN NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR NEW.version < OLD.version
  OR (NEW.version = OLD.version AND (NEW.debits <> OLD.debits OR NEW.credits <> OLD.credits))
  OR NEW.id <> OLD.id OR NEW.coin_id <> OLD.coin_id OR NEW.owner_id IS NOT OLD.owner_id
  OR NEW.kind <> OLD.kind OR NEW.number <> OLD.number OR NEW.shared <> OLD.shared
BEGIN SELECT RAISE(ABORT, 'guard: totals only grow, an account keeps its name'); END;
---
CREATE TRIGGER guard_account_delete BEFORE DELETE ON ledger_account
BEGIN SELECT RAISE(ABORT, 'guard: accounts are never deleted'); END;
---
CREATE TRIGGER guard_queue_update BEFORE UPDATE ON ledger_queue
BEGIN SELECT RAISE(ABORT, 'guard: queue rows are never changed'); END;
---
CREATE TRIGGER guard_queue_insert BEFORE INSERT ON ledger_queue
WHEN NOT EXISTS (
    SELECT 1 FROM ledger_posting p JOIN ledger_account a ON a.id = NEW.account_id
    WHERE p.id = NEW.posting_id AND a.shared AND p.amount = NEW.amount
    AND CASE NEW.side WHEN 'debit' THEN p.debit_id = a.id WHEN 'credit' THEN p.credit_id = a.id ELSE 0 END
) OR EXISTS (SELECT 1 FROM ledger_queue WHERE id = NEW.id OR (posting_id = NEW.posting_id AND side = NEW.side))
BEGIN SELECT RAISE(ABORT, 'guard: a queue row repeats its posting, once'); END;
---
CREATE TRIGGER guard_coin_update BEFORE UPDATE ON ledger_coin
WHEN (NEW.decimals <> OLD.decimals OR NEW.symbol <> OLD.symbol)
  AND EXISTS (SELECT 1 FROM ledger_account WHERE coin_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'guard: decimals and symbol are fixed once a coin has accounts'); END;
---
CREATE TRIGGER guard_dispatch_update BEFORE UPDATE ON ledger_dispatch
WHEN NEW.ident <> OLD.ident OR NEW.blob <> OLD.blob OR NEW.wallet_id <> OLD.wallet_id OR NEW.slot <> OLD.slot
  OR NEW.attempts < OLD.attempts OR (OLD.state = 'final' AND NEW.state <> 'final')
  OR (OLD.state = 'dead' AND NEW.state = 'live')
BEGIN SELECT RAISE(ABORT, 'guard: a dispatch keeps what it is and never un-happens'); END;
---
CREATE TRIGGER guard_dispatch_delete BEFORE DELETE ON ledger_dispatch
BEGIN SELECT RAISE(ABORT, 'guard: dispatches are kept'); END;
---
CREATE TRIGGER guard_dispatch_insert BEFORE INSERT ON ledger_dispatch
WHEN EXISTS (SELECT 1 FROM ledger_dispatch WHERE id = NEW.id OR (wallet_id = NEW.wallet_id AND ident = NEW.ident))
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: a dispatch is recorded once'); END;
---
CREATE TRIGGER guard_seal_update BEFORE UPDATE ON ledger_seal
BEGIN SELECT RAISE(ABORT, 'guard: seals are append-only'); END;
---
CREATE TRIGGER guard_seal_delete BEFORE DELETE ON ledger_seal
BEGIN SELECT RAISE(ABORT, 'guard: seals are append-only'); END;
---
CREATE TRIGGER guard_seal_insert BEFORE INSERT ON ledger_seal
WHEN EXISTS (SELECT 1 FROM ledger_seal WHERE id = NEW.id OR number = NEW.number OR hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'guard: a block is sealed once'); END;
---
CREATE TRIGGER guard_adjustment_update BEFORE UPDATE ON ledger_adjustment
WHEN OLD.state <> 'proposed' OR NEW.debit_id <> OLD.debit_id OR NEW.credit_id <> OLD.credit_id
  OR NEW.amount <> OLD.amount OR NEW.proposed_by_id <> OLD.proposed_by_id
BEGIN SELECT RAISE(ABORT, 'guard: an adjustment is decided once and as it was proposed'); END;
