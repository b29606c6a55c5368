-- Nothing to take back: the columns are production's, and dropping them would lose what was
-- written to them. The tables themselves go with the migrations that made them.
SELECT;
