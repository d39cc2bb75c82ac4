module asyncpkt

go 1.19
