"""Real database servers on this machine, for the tests, the demo and the bench.

`providers.load("mariadb-10.11")` gives a kind of `Server`; `topology.Topology.start(kind)` a source with replicas. This
package needs pymysql and nothing else; testcontainers only for the providers that run in containers.
"""
