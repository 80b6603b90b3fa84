"""What tests of real programs and real servers are made of.

    cases     run the test functions of a file, skip with a reason
    programs  our programs: run one, run a line of sh, run a measured chain
    engines   which servers can be had on this machine
    servers   start one of them in a scratch folder, stop it whatever happens
    client    a small client: TCP, Unix socket, TLS
    certs     a CA with a server's and a client's certificate
    data      fill a server with every type it knows
    rdbbytes  write RDB files byte by byte

Each uses only those above it or nothing.  Python's own library only.
"""
