CREATE OR REPLACE FUNCTION guard_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'guard: %', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$;
---
CREATE OR REPLACE FUNCTION guard_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.debits <> 0 OR NEW.credits <> 0 OR NEW.version <> 0 THEN
            RAISE EXCEPTION 'guard: an account opens empty and once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR NEW.version < OLD.version
       OR (NEW.version = OLD.version AND (NEW.debits, NEW.credits) IS DISTINCT FROM (OLD.debits, OLD.credits))
       OR (NEW.id, NEW.coin_id, NEW.owner_id, NEW.kind, NEW.number, NEW.shared)
          IS DISTINCT FROM (OLD.id, OLD.coin_id, OLD.owner_id, OLD.kind, OLD.number, OLD.shared) THEN
        RAISE EXCEPTION 'guard: totals only grow, an account keeps its name'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE FUNCTION guard_posting_side(
    a ledger_account, seq bigint, debits numeric, credits numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a.id IS NULL THEN false WHEN a.shared THEN seq IS NULL
        ELSE coalesce(debits <= credits AND CASE WHEN seq = a.version
            THEN debits = a.debits AND credits = a.credits
            ELSE seq < a.version AND debits <= a.debits AND credits <= a.credits END, false) END
$$;
---
CREATE OR REPLACE FUNCTION guard_posting_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh p
        LEFT JOIN ledger_account d ON d.id = p.debit_id AND d.coin_id = p.coin_id
        LEFT JOIN ledger_account c ON c.id = p.credit_id AND c.coin_id = p.coin_id
        WHERE NOT guard_posting_side(d, p.debit_seq, p.debit_debits, p.debit_credits)
           OR NOT guard_posting_side(c, p.credit_seq, p.credit_debits, p.credit_credits)
    ) THEN
        RAISE EXCEPTION 'guard: a posting agrees with its accounts and their coin'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
---
CREATE OR REPLACE FUNCTION guard_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh q JOIN ledger_posting p ON p.id = q.posting_id JOIN ledger_account a ON a.id = q.account_id
        WHERE NOT a.shared OR p.amount <> q.amount
           OR a.id <> CASE q.side WHEN 'debit' THEN p.debit_id WHEN 'credit' THEN p.credit_id ELSE 0 END
    ) THEN
        RAISE EXCEPTION 'guard: a queue row repeats its posting, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
---
CREATE OR REPLACE FUNCTION guard_coin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.decimals, NEW.symbol) IS DISTINCT FROM (OLD.decimals, OLD.symbol)
       AND EXISTS (SELECT 1 FROM ledger_account WHERE coin_id = OLD.id) THEN
        RAISE EXCEPTION 'guard: decimals and symbol are fixed once a coin has accounts'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE FUNCTION guard_dispatch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.ident, NEW.blob, NEW.wallet_id, NEW.slot) IS DISTINCT FROM (OLD.ident, OLD.blob, OLD.wallet_id, OLD.slot)
       OR NEW.attempts < OLD.attempts OR (OLD.state = 'final' AND NEW.state <> 'final')
       OR (OLD.state = 'dead' AND NEW.state = 'live') THEN
        RAISE EXCEPTION 'guard: a dispatch keeps what it is and never un-happens'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE FUNCTION guard_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'proposed' OR (NEW.debit_id, NEW.credit_id, NEW.amount, NEW.proposed_by_id)
       IS DISTINCT FROM (OLD.debit_id, OLD.credit_id, OLD.amount, OLD.proposed_by_id) THEN
        RAISE EXCEPTION 'guard: an adjustment is decided once and as it was proposed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE TRIGGER guard_transaction_change BEFORE UPDATE OR DELETE ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION guard_refuse('transactions are append-only');
---
CREATE OR REPLACE TRIGGER guard_transaction_truncate BEFORE TRUNCATE ON ledger_transaction
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('transactions are append-only');
---
CREATE OR REPLACE TRIGGER guard_posting_change BEFORE UPDATE OR DELETE ON ledger_posting
FOR EACH ROW EXECUTE FUNCTION guard_refuse('postings are append-only');
---
CREATE OR REPLACE TRIGGER guard_posting_truncate BEFORE TRUNCATE ON ledger_posting
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('postings are append-only');
---
DROP TRIGGER IF EXISTS guard_posting_insert ON ledger_posting;
CREATE TRIGGER guard_posting_insert AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION guard_posting_agrees();
---
CREATE OR REPLACE TRIGGER guard_account_change BEFORE INSERT OR UPDATE ON ledger_account
FOR EACH ROW EXECUTE FUNCTION guard_account();
---
CREATE OR REPLACE TRIGGER guard_account_delete BEFORE DELETE ON ledger_account
FOR EACH ROW EXECUTE FUNCTION guard_refuse('accounts are never deleted');
---
CREATE OR REPLACE TRIGGER guard_account_truncate BEFORE TRUNCATE ON ledger_account
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('accounts are never deleted');
---
CREATE OR REPLACE TRIGGER guard_queue_update BEFORE UPDATE ON ledger_queue
FOR EACH ROW EXECUTE FUNCTION guard_refuse('queue rows are never changed');
---
CREATE OR REPLACE TRIGGER guard_queue_truncate BEFORE TRUNCATE ON ledger_queue
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('queue rows are rolled up, not dropped');
---
DROP TRIGGER IF EXISTS guard_queue_insert ON ledger_queue;
CREATE TRIGGER guard_queue_insert AFTER INSERT ON ledger_queue REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION guard_queue();
---
CREATE OR REPLACE TRIGGER guard_coin_update BEFORE UPDATE ON ledger_coin
FOR EACH ROW EXECUTE FUNCTION guard_coin();
---
CREATE OR REPLACE TRIGGER guard_dispatch_update BEFORE UPDATE ON ledger_dispatch
FOR EACH ROW EXECUTE FUNCTION guard_dispatch();
---
CREATE OR REPLACE TRIGGER guard_dispatch_delete BEFORE DELETE ON ledger_dispatch
FOR EACH ROW EXECUTE FUNCTION guard_refuse('dispatches are kept');
---
CREATE OR REPLACE TRIGGER guard_dispatch_truncate BEFORE TRUNCATE ON ledger_dispatch
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('dispatches are kept');
---
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'guard_posting_debit_coin') THEN
        ALTER TABLE ledger_posting ADD CONSTRAINT guard_posting_debit_coin
            FOREIGN KEY (debit_id, coin_id) REFERENCES ledger_account (id, coin_id);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'guard_posting_credit_coin') THEN
        ALTER TABLE ledger_posting ADD CONSTRAINT guard_posting_credit_coin
            FOREIGN KEY (credit_id, coin_id) REFERENCES ledger_account (id, coin_id);
    END IF;
END $$;
---
CREATE OR REPLACE TRIGGER guard_seal_change BEFORE UPDATE OR DELETE ON ledger_seal
FOR EACH ROW EXECUTE FUNCTION guard_refuse('seals are append-only');
---
CREATE OR REPLACE TRIGGER guard_seal_truncate BEFORE TRUNCATE ON ledger_seal
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('seals are append-only');
---
CREATE OR REPLACE TRIGGER guard_adjustment_update BEFORE UPDATE ON ledger_adjustment
FOR EACH ROW EXECUTE FUNCTION guard_adjustment();
